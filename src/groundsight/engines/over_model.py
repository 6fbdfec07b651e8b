"""What stands over a chat model, and says of itself what the model says."""

from groundsight.core.report import EngineInfo
from groundsight.engines.chat import ChatModel
from groundsight.replies.dialect import Dialect


class OverModel:
    """Name, dialect and batch size are its model's, which it lets go with itself.

    Args:
        model: who writes.
    """

    def __init__(self, model: ChatModel) -> None:
        self.model = model

    @property
    def info(self) -> EngineInfo:
        """The model's."""
        return self.model.info

    @property
    def dialect(self) -> Dialect:
        """The model's."""
        return self.model.dialect

    @property
    def batch_size(self) -> int:
        """The model's."""
        return self.model.batch_size

    def close(self) -> None:
        """Let the model go."""
        self.model.close()
