// An organisation's identity provider: client credentials for JWT access tokens (RFC 9068), by oidc-provider.
// node machine.mjs <port> <audience> <RS256|ES256> <scopes> <client> <secret>

import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, audience, alg, scope, client, secret] = process.argv.slice(2);
const kind = alg === "ES256" ? ["ec", { namedCurve: "P-256" }] : ["rsa", { modulusLength: 2048 }];
const key = generateKeyPairSync(...kind).privateKey.export({ format: "jwk" });
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: client,
      client_secret: secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: alg,
    },
  ],
  jwks: { keys: [{ ...key, kid: "first", use: "sig", alg }] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        audience,
        scope,
        accessTokenFormat: "jwt",
        accessTokenTTL: 300,
        jwt: { sign: { alg } },
      }),
    },
  },
});
provider.listen(Number(port), "127.0.0.1");
