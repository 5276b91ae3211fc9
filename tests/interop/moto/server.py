"""moto's Cognito on a free port of loopback.

Authenticator apps have the seed `1234567890`, and a code counts for one period more on either side.
"""

import os

os.environ["MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP"] = "true"

from moto.cognitoidp import models, utils  # noqa: E402
from moto.moto_server.werkzeug_app import create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

models.COGNITO_TOTP_MFA_SECRET = "GEZDGNBVGY3TQOJQ"
models.verify_totp = lambda totp, code: utils.verify_totp(totp, code, valid_window=1)

server = make_server("127.0.0.1", 0, create_backend_app("cognito-idp"), threaded=True)
print(f"Listening on: http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
