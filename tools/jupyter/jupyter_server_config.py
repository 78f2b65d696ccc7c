"""JupyterLab as `make lab` starts it: quiet, and a notebook that is opened is not thereby modified.

Jupyter reads this folder because the Makefile names it in JUPYTER_CONFIG_PATH, beside the user's
own settings. `labconfig/` answers the question about news: no. `nbgrader_config.py` is here because
nbgrader warns twice where it finds none.
"""

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

# What a saved notebook says of its kernel: the same on every machine, as in tools/run_series.py.
SAVED = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def is_ours(model: dict) -> bool:
    """Whether this is a notebook, with its content, for the Python that runs here."""
    content = model.get("content")
    if model.get("type") != "notebook" or not content:
        return False
    return content["metadata"].get("kernelspec", {}).get("name") == "python3"


class Notebooks(AsyncLargeFileManager):
    """Hands out notebooks with what JupyterLab would write into them as soon as a kernel runs."""

    async def get(self, path: str, *arguments: object, **options: object) -> dict:
        """Return the model of a file or folder, as the class above does."""
        model = await super().get(path, *arguments, **options)
        if is_ours(model):
            spec = KernelSpecManager().get_kernel_spec("python3")
            metadata = model["content"]["metadata"]
            metadata["kernelspec"] = {
                "display_name": spec.display_name,
                "language": spec.language,
                "name": "python3",
            }
            metadata["language_info"] = dict(IPythonKernel.language_info)
        return model

    async def save(self, model: dict, path: str = "") -> dict:
        """Save a notebook, with what is the same on every machine; return its model."""
        if is_ours(model):
            model["content"]["metadata"].update(SAVED)
        return await super().save(model, path)


c = get_config()  # noqa: F821  Jupyter's, there while it reads this file
c.ServerApp.contents_manager_class = Notebooks
c.LanguageServerManager.autodetect = False  # no line of twenty servers that aren't installed
