// Passkeys (WebAuthn): a button lets one sign, a form makes one. What the portal says is JSON, and so is
// what it is told; the browser itself wants bytes.

const WORDS = {
  none: "This browser has no passkeys. Use another way.",
  cancelled: "Nothing was signed: it was cancelled, or took too long. You can try again.",
  known: "This device has a passkey for your account already.",
  elsewhere: "Passkeys do not work at this address of the portal. Use the address that your mails name.",
  away: "The portal cannot be reached. Try again in a moment.",
  broken: "That did not work. Try again, or use another way.",
  waiting: "Follow your browser's or your device's instructions.",
};

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const named = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

/** What the portal refuses, in its own words. */
class RefusedError extends Error {
  constructor(answer) {
    super(answer.detail ?? WORDS.broken);
    this.code = answer.code;
  }
}

async function post(url, token, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  const document = await answer.json();
  if (!answer.ok) throw new RefusedError(document);
  return document;
}

async function sign(asked) {
  const made = await navigator.credentials.get({
    publicKey: { ...asked, challenge: bytes(asked.challenge), allowCredentials: named(asked.allowCredentials) },
  });
  const { clientDataJSON, authenticatorData, signature, userHandle } = made.response;
  return {
    clientDataJSON: text(clientDataJSON),
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    ...(userHandle && { userHandle: text(userHandle) }),
    made,
  };
}

async function make(asked) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: named(asked.excludeCredentials),
    },
  });
  const { clientDataJSON, attestationObject } = made.response;
  return {
    clientDataJSON: text(clientDataJSON),
    attestationObject: text(attestationObject),
    transports: made.response.getTransports?.() ?? [],
    made,
  };
}

function words(error) {
  if (error instanceof RefusedError) return error.message;
  if (error instanceof TypeError) return WORDS.away;
  return (
    { NotAllowedError: WORDS.cancelled, AbortError: WORDS.cancelled, InvalidStateError: WORDS.known, SecurityError: WORDS.elsewhere }[
      error.name
    ] ?? WORDS.broken
  );
}

async function run(part, ceremony, more) {
  const { options, answer, token, again } = part.dataset;
  const button = part.querySelector("button");
  const said = part.querySelector("[role=status]");
  const say = (sentence, bad) => {
    said.textContent = sentence;
    said.classList.toggle("passkey__said--bad", bad);
  };
  button.disabled = true;
  say(WORDS.waiting, false);
  try {
    const { made, ...response } = await ceremony(await post(options, token, {}));
    const credential = { id: made.id, rawId: text(made.rawId), type: made.type, response };
    const { next } = await post(answer, token, { credential, ...more });
    location.assign(next);
  } catch (error) {
    if (error.code === "fresh_sign_in_needed" && again) return location.assign(again);
    say(words(error), true);
    button.disabled = false;
    button.focus();
  }
}

for (const part of document.querySelectorAll("[data-passkey]")) {
  const able = Boolean(globalThis.PublicKeyCredential && navigator.credentials);
  if (part.dataset.passkey === "sign") {
    part.hidden = !able;
    part.querySelector("button").addEventListener("click", () => run(part, sign, { next: part.dataset.next }));
  } else {
    document.getElementById("without-scripts").hidden = true;
    part.hidden = false;
    part.querySelector("button").disabled = !able;
    if (!able) part.querySelector("[role=status]").textContent = WORDS.none;
    part.addEventListener("submit", (event) => {
      event.preventDefault();
      run(part, make, { name: part.elements.name.value });
    });
  }
}
