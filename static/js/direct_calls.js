// The requests of the way past the portal: those that ask the portal, and those that carry parts to S3.

import { judge } from "./trouble.js";

const ENDPOINT = "/api/v1/direct";

/** An answer that is no success. ``trouble`` as in trouble.js; ``code`` and ``parts`` of a problem document. */
export class Refusal extends Error {
  constructor(trouble, { code = null, parts = [] } = {}) {
    super(`HTTP ${trouble.status}`);
    Object.assign(this, { trouble, code, parts });
  }
}

async function refusalOf(answer) {
  const body = await answer.text();
  const trouble = judge(answer.status, body, answer.headers.get("Retry-After"));
  let problem = {};
  try {
    problem = JSON.parse(body);
  } catch {
    // Not from the portal itself: its status says enough.
  }
  if (problem.code === "direct_not_offered") trouble.kind = "postponed"; // trying again by itself is useless
  return new Refusal(trouble, problem);
}

/** Ask the portal; null where it answers without a body. Throws Refusal, TypeError (no answer), AbortError. */
export async function ask(portal, method, path, body, signal) {
  const answer = await fetch(ENDPOINT + path, {
    method,
    signal,
    headers: { ...portal.headers(), ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw await refusalOf(answer);
  return answer.status === 204 ? null : answer.json();
}

/** Send bytes to a signed address. Whatever the store says against it, another address may work. */
export function put({ url, headers }, bytes, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch tells nothing while it sends
    const stop = () => request.abort();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => {
      if (request.status === 200) resolve();
      else reject(new Refusal({ ...judge(0), status: request.status }));
    };
    request.onerror = () => reject(new Refusal(judge(0)));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop);
    if (signal.aborted) request.onabort();
    else request.send(bytes);
  });
}
