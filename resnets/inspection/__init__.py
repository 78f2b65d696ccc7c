"""A look inside a network: its gradients, what it confuses and computes, where it looks, how sure.

Whatever takes a model takes any Functional or Sequential image classifier with one input, channels
last; images are given as that model takes them. Models run in inference mode, but for the
gradients of a training. Functions compute arrays; those named `plot_` draw them.
"""
