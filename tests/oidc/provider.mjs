// A certified OpenID provider (npm oidc-provider) for tests, on 127.0.0.1.
//
//   node provider.mjs <port> <client.json>
//
// Whoever types a login is let in; what is said of them is decided by the login: the part before the @
// is their group. The address is verified unless the login begins with "unverified".
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const [port, clients] = process.argv.slice(2);

function person(login) {
  const [local] = login.split("@");
  return {
    sub: `subject of ${login}`,
    email: login,
    email_verified: !login.startsWith("unverified"),
    name: local,
    groups: [local.split(".")[0]],
  };
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: JSON.parse(readFileSync(clients, "utf8")),
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
  cookies: { keys: ["only for tests"] },
  features: { devInteractions: { enabled: true } },
  findAccount: (_context, login) => ({ accountId: login, claims: () => person(login) }),
  pkce: { required: () => true },
});

provider.listen(Number(port), "127.0.0.1");
