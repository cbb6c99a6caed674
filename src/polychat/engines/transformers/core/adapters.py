"""LoRA adapters of one model, by name. PEFT computes with one of them at a time."""

from pathlib import Path
from typing import Protocol

from safetensors import SafetensorError

from polychat.engines.transformers.job import AdapterRefused, UnknownAdapter

Offline = dict[str, bool]


class AdaptableModel(Protocol):
    """What transformers gives every model where PEFT is installed."""

    def load_adapter(self, peft_model_id: str, adapter_name: str, *, adapter_kwargs: Offline) -> object: ...
    def delete_adapter(self, adapter_names: str) -> None: ...
    def set_adapter(self, adapter_name: str) -> None: ...
    def enable_adapters(self) -> None: ...
    def disable_adapters(self) -> None: ...


class Adapters:
    """Loads, forgets and switches. For the thread that computes, or while it pauses."""

    def __init__(self, model: AdaptableModel) -> None:
        self._model = model
        self._inner: dict[str, str] = {}  # a module's name holds no dot, a client's name for an adapter may
        self._active: str | None = None  # None: not known
        self._num_loaded = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._inner)

    def activate(self, name: str) -> None:
        """Compute with this adapter from now on; "": with none."""
        if not self._num_loaded or name == self._active:
            return
        if name:
            self._model.enable_adapters()
            self._model.set_adapter(self._inner[name])
        else:
            self._model.disable_adapters()
        self._active = name

    def load(self, name: str, folder: str) -> None:
        """Read an adapter from its folder.

        Raises:
            AdapterRefused: it cannot be used, and the text says why.
        """
        if name in self._inner:
            raise AdapterRefused(f"an adapter {name!r} is loaded already")
        if not (Path(folder) / "adapter_config.json").is_file():
            raise AdapterRefused(f"{folder} holds no LoRA adapter: it has no adapter_config.json")
        inner = f"adapter{self._num_loaded}"
        self._num_loaded += 1
        self._active = None
        try:
            self._model.load_adapter(folder, inner, adapter_kwargs={"local_files_only": True})
        except ImportError as exc:
            raise AdapterRefused("LoRA adapters need PEFT: pip install peft") from exc
        except (ValueError, RuntimeError, OSError, KeyError, TypeError, SafetensorError) as exc:
            self._forget(inner)
            raise AdapterRefused(f"the adapter in {folder} does not fit this model: {_line(exc)}") from exc
        self._inner[name] = inner

    def unload(self, name: str) -> None:
        if name not in self._inner:
            raise UnknownAdapter(f"no adapter {name!r} is loaded")
        self._forget(self._inner.pop(name))

    def _forget(self, inner: str) -> None:
        self._active = None
        try:
            self._model.delete_adapter(inner)
        except ValueError:  # it never got as far as the model
            return


def _line(exc: Exception) -> str:
    return " ".join(str(exc).split())[:300] or type(exc).__name__
