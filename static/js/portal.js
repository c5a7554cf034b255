// What the send form says about the portal: where things are, and who asks.

const NO_ID = "00000000-0000-0000-0000-000000000000";
const AN_ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export class Portal {
  #extensions = null;

  constructor(form) {
    this.form = form;
    const { tusUrl, person, way, maxBytes, signInUrl } = form.dataset;
    Object.assign(this, { tusUrl, person, way, signInUrl, maxBytes: Number(maxBytes) });
  }

  /** Fields that say who asks: a cookie, which needs a token beside it, or a ticket. */
  headers() {
    const { authorization } = this.form.dataset;
    const token = this.form.elements.csrf_token?.value;
    return {
      Accept: "application/json",
      ...(token && { "X-CSRFToken": token }),
      ...(authorization && { Authorization: authorization }),
    };
  }

  statusUrl(id) {
    return this.form.dataset.statusUrl.replace(NO_ID, id);
  }

  /** Null where there is no page for it. */
  receiptUrl(id) {
    return this.form.dataset.receiptUrl.replace(NO_ID, id) || null;
  }

  /** The id in the address of an upload: the last one, because a page's own address may hold another. */
  idIn(url) {
    return url.match(AN_ID)?.at(-1) ?? null;
  }

  /** Whether the portal's tus endpoint has an extension; asked once. */
  async understands(extension) {
    try {
      this.#extensions ??= await this.#ask();
    } catch {
      return false; // not now; the plain way needs no more than the core
    }
    return this.#extensions.includes(extension);
  }

  async #ask() {
    const answer = await fetch(this.tusUrl, { method: "OPTIONS" });
    return (answer.headers.get("Tus-Extension") ?? "").split(",").map((name) => name.trim());
  }

  /**
   * Look whether the person of this page is signed in, again or still, and take over the new session.
   *
   * @returns {Promise<string>} "renewed", "same", "signed-out", "another" (person), "away"
   */
  async renew() {
    let form;
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      form = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("send-form");
      if (!form) return answer.status >= 500 ? "away" : "signed-out";
    } catch {
      return "away";
    }
    if (form.dataset.person !== this.person) return "another";
    const [now, then] = [this.form.elements.csrf_token, form.elements.csrf_token];
    // The same token is signed anew, with the time, for every page: only what is signed tells.
    if (!now || !then || now.value.split(".")[0] === then.value.split(".")[0]) return "same";
    now.value = then.value;
    return "renewed";
  }
}
