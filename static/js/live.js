// Parts of a page that renew themselves (htmx): quiet when nothing changed, clear when something did.

const announcer = document.getElementById("announcer");
const connection = document.getElementById("connection");
const connectionText = document.getElementById("connection-text");
const lastAnswer = new Map(); // id of the part -> the last HTML that was shown

function tell(words) {
  announcer.textContent = words;
}

function complain(words, link) {
  if (connectionText.dataset.words === words) return;
  connectionText.dataset.words = words;
  connectionText.replaceChildren(words);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.href;
    anchor.textContent = link.text;
    connectionText.append(" ", anchor);
  }
  connection.hidden = false;
}

function allIsWell() {
  connection.hidden = true;
  delete connectionText.dataset.words;
}

/** Key of an upload -> its state, for everything shown at the moment. */
function shownStates() {
  const states = new Map();
  for (const part of document.querySelectorAll("[data-key]")) {
    states.set(part.dataset.key, part.dataset.state);
  }
  return states;
}

let before = shownStates();

document.body.addEventListener("htmx:beforeRequest", (event) => {
  const poll = "live" in event.detail.elt.dataset;
  if (poll && document.hidden) event.preventDefault();
});

document.body.addEventListener("htmx:configRequest", (event) => {
  const { elt, headers, parameters } = event.detail;
  // A page that is left open renews itself, and keeps nobody signed in by that.
  if ("live" in elt.dataset) headers["Diagport-Unattended"] = "1";
  // Keeps addresses short: an empty filter is no filter.
  for (const name of Object.keys(parameters)) {
    if (parameters[name] === "") delete parameters[name];
  }
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr } = event.detail;
  if (!event.detail.shouldSwap) return;
  const html = xhr.responseText;
  if (!html.includes(`id="${target.id}"`)) {
    event.detail.shouldSwap = false;
    complain("You are no longer signed in.", { href: location.href, text: "Sign in again" });
    return;
  }
  allIsWell();
  if (lastAnswer.get(target.id) === html) {
    event.detail.shouldSwap = false;
    return;
  }
  lastAnswer.set(target.id, html);
  before = shownStates();
});

document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.requestConfig?.elt?.id === "filters") {
    const count = document.getElementById("file-list").dataset.count;
    tell({ 0: "Nothing matches.", 1: "1 file shown." }[count] ?? `${count.replace("+", " or more")} files shown.`);
    return;
  }
  const changes = [];
  for (const part of document.querySelectorAll("[data-key]")) {
    const { key, name, state } = part.dataset;
    if (before.has(key) && before.get(key) !== state) changes.push(`${name}: ${state}`);
  }
  if (changes.length > 0) tell(changes.slice(0, 3).join(". "));
});

document.body.addEventListener("htmx:sendError", () => {
  complain("The connection is lost. This page shows what was known before. It tries again by itself.");
});

document.body.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status === 401 || status === 403) {
    complain("You are no longer signed in.", { href: location.href, text: "Sign in again" });
  } else if (status === 404) {
    complain("This is no longer here.", { href: "/files", text: "Show all files" });
  } else {
    complain("The portal does not answer properly. This page tries again by itself.");
  }
});
