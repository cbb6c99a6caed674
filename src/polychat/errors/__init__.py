"""Every error the platform can show: to an API client as OpenAI's envelope, on the command line as one line.

* PlatformError
  + RequestError              400  the client must change the request
    - ContextLengthExceeded   400
    - UnsupportedFeature      400  no replica of the model can do that
    - UnknownModel            404
    - UnknownResponse         404
    - UnknownRoute            404
    - MethodNotAllowed        405
    - RequestTimeout          408
    - BodyTooLarge            413
    - UnsupportedMediaType    415
    - UnsupportedEncoding     415
    - HeadersTooLarge         431
  + Unauthorized              401
  + NotAllowed                403  the key is not good for this
  + RateLimited               429  a limit of the key, for now
  + BudgetSpent               429  what the key may use in a day or month
  + NotImplementedByModel     501  no replica of the model offers this route
  + NotOffered                501  a foreign API's route that has no counterpart here
  + NoReplicaAvailable        503  retry later: nothing is ready for this model
  + Overloaded                503  more is asked of a model than it can do
  + GoesInCircles             508  the service is attached to itself
  + DatabaseUnavailable       503  what must last cannot be read or written now
  + ReplicaError              502  a replica broke; retried only before its first byte
    - ReplicaTimeout          504
    - ReplicaUnavailable      503  it cannot be reached, or takes nothing now
      · ReplicaBusy           429  a limit of requests is reached
* SetupError                  a command cannot do its work on this machine as told

Anything else that escapes a handler is a bug: it is logged with its traceback and the
client sees a bare 500. To add one: a class in the file of its kind, its name in the tree and the lists here.
"""

from polychat.errors.access import (
    BudgetSpent,
    NotAllowed,
    RateLimited,
    Unauthorized,
)
from polychat.errors.platform import (
    PlatformError,
)
from polychat.errors.request import (
    BodyTooLarge,
    ContextLengthExceeded,
    GoesInCircles,
    HeadersTooLarge,
    MethodNotAllowed,
    NotImplementedByModel,
    NotOffered,
    RequestError,
    RequestTimeout,
    UnknownModel,
    UnknownResponse,
    UnknownRoute,
    UnsupportedEncoding,
    UnsupportedFeature,
    UnsupportedMediaType,
)
from polychat.errors.service import (
    DatabaseUnavailable,
    NoReplicaAvailable,
    Overloaded,
    ReplicaBusy,
    ReplicaError,
    ReplicaTimeout,
    ReplicaUnavailable,
)
from polychat.errors.setup import (
    EngineStartError,
    SetupError,
)

__all__ = [
    "BodyTooLarge",
    "BudgetSpent",
    "ContextLengthExceeded",
    "DatabaseUnavailable",
    "EngineStartError",
    "GoesInCircles",
    "HeadersTooLarge",
    "MethodNotAllowed",
    "NoReplicaAvailable",
    "NotAllowed",
    "NotImplementedByModel",
    "NotOffered",
    "Overloaded",
    "PlatformError",
    "RateLimited",
    "ReplicaBusy",
    "ReplicaError",
    "ReplicaTimeout",
    "ReplicaUnavailable",
    "RequestError",
    "RequestTimeout",
    "SetupError",
    "Unauthorized",
    "UnknownModel",
    "UnknownResponse",
    "UnknownRoute",
    "UnsupportedEncoding",
    "UnsupportedFeature",
    "UnsupportedMediaType",
]
