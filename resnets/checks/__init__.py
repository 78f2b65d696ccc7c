"""The checks of the exercises: each says "passed", or what is wrong and what was expected.

    from resnets.checks.identity_block import check_identity_block

There is one module per notebook; the others hold what several of them share. A check asks what
an answer does, with small inputs and known weights, and compares with formulas of its own: it
knows no lucky numbers, and any correct way of writing passes. It never touches a learner's
object: `core` and all that it imports need NumPy and Pillow alone, `probe` answers its questions
where the learner's objects are, in a notebook or in a process of its own.
"""
