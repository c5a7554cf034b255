// The send page: turns the plain form into a list of transfers. Without this file the form still works.

import { Portal } from "./portal.js";
import { whyNot } from "./precheck.js";
import { Totals } from "./totals.js";
import { Transfer } from "./transfer.js";
import { Unfinished } from "./unfinished.js";
import { UploadRow } from "./upload_row.js";
import { wayOf } from "./ways.js";

// Small files are over before the line is full: two go side by side. A large one takes four connections
// by itself, and a browser has six for one host, of which pages need some too.
const AT_ONCE = 2;
const MOST_LINES = 4;

const form = document.getElementById("send-form");
const input = document.getElementById("diag");
const zone = document.getElementById("dropzone");
const list = document.getElementById("send-list");
const button = document.getElementById("send-button");
const hint = document.getElementById("send-hint");
const announcer = document.getElementById("announcer");
const portal = new Portal(form);
const unfinished = new Unfinished(portal, () => input.click());
const totals = new Totals(announce);
const looking = new Set(); // files that are being looked at
const entries = new Map(); // row -> transfer, or null while it cannot be sent

const transfers = () => [...entries.values()].filter(Boolean);

function announce(words) {
  if (words) announcer.textContent = words;
}

function isListed(file) {
  return [...entries.keys()].some(
    ({ file: other, phase }) =>
      other.name === file.name &&
      other.size === file.size &&
      other.lastModified === file.lastModified &&
      !["cancelled", "settled"].includes(phase),
  );
}

/** @param {object|null} wanted the unfinished upload whose file was asked for, if one was */
async function add(file, wanted) {
  if (isListed(file)) {
    announce(`${file.name} is in the list already.`);
    return;
  }
  const row = new UploadRow(file, portal, act);
  entries.set(row, null);
  list.hidden = false;
  list.append(row.element);
  const problem = await whyNot(file, portal.maxBytes);
  if (problem) {
    row.unfit(problem);
    announce(`${file.name} cannot be sent. ${problem}`);
  } else if (wanted && !wanted.fits(file)) {
    row.isNot(wanted);
    announce(`${file.name} is another file than ${wanted.filename}.`);
  } else await prepare(row);
  refresh();
}

async function prepare(row) {
  const begun = unfinished.like(row.file);
  let Way;
  try {
    Way = await wayOf(begun?.way ?? portal.way);
  } catch {
    row.unready();
    announce(`${row.file.name}: a piece of this page is missing.`);
    return;
  }
  const transfer = new Transfer(row.file, Way, portal, (changed) => changedOne(row, changed));
  row.begun = begun;
  const here = await transfer.findPrevious();
  entries.set(row, transfer);
  if (!here && begun && !begun.isSurely(row.file)) {
    row.ask(begun.received);
    return; // whether it goes on or begins anew, is for a person to say
  }
  transfer.known = begun?.received ?? 0;
  if (!here && begun) transfer.adopt(begun.parts);
  row.update(transfer);
}

function changedOne(row, transfer) {
  announce(row.update(transfer));
  if (transfer.phase === "sending" && transfer.continued) row.begun?.remove();
  if (transfer.phase === "checking" || transfer.phase === "settled") renewRecent();
  refresh();
  pump();
}

/** The list below shows what was just sent, as after a reload. */
async function renewRecent() {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("recent");
    const shown = document.getElementById("recent");
    if (fresh && shown && !shown.contains(document.activeElement)) shown.replaceWith(document.adoptNode(fresh));
  } catch {
    // It can wait for the next page.
  }
}

/** Start the next one as soon as there is room for it. */
function pump() {
  const going = transfers().filter(({ phase }) => phase === "sending" || phase === "retrying");
  const next = transfers().find(({ phase }) => phase === "queued");
  if (transfers().some(({ phase }) => phase === "signedout")) return; // no other gets further
  const lines = going.reduce((sum, transfer) => sum + transfer.lines, 0);
  if (next && (going.length === 0 || (going.length < AT_ONCE && lines + next.lines <= MOST_LINES))) next.start();
}

const acts = {
  remove(transfer, row) {
    entries.delete(row);
    row.element.remove();
    list.hidden = entries.size === 0;
    input.focus();
  },
  continue(transfer, row) {
    transfer.known = row.begun.received;
    transfer.adopt(row.begun.parts);
    sendOne(transfer);
  },
  restart: (transfer) => sendOne(transfer),
  anew: (transfer, row) => prepare(row).then(refresh),
  pause: (transfer) => transfer.pause(),
  resume: (transfer) => transfer.queue(),
  retry: (transfer, row) => (transfer ? transfer.start() : prepare(row).then(refresh)),
  async goon(transfer, row) {
    for (const other of transfers()) if (other !== transfer) other.goOn();
    const now = await transfer.goOn();
    const words = {
      "signed-out": "You are still signed out. Sign in again in another tab first.",
      another: "Somebody else is signed in now. Sign in with the same account as before.",
      away: "The portal does not answer. Try again in a moment.",
    }[now];
    if (words) row.add(words);
    announce(words);
  },
  cancel(transfer, row) {
    if (transfer.continued || transfer.sent > 0 || transfer.id) row.confirmCancel();
    else transfer.cancel();
  },
  discard: (transfer) => transfer.cancel(),
  keep(transfer, row) {
    row.phase = null;
    row.update(transfer);
  },
};

function act(action, row) {
  acts[action](entries.get(row), row);
  refresh();
}

function sendOne(transfer) {
  const about = {};
  for (const name of ["case", "note"]) {
    const value = form.elements[name]?.value.trim();
    if (value) about[name] = value;
  }
  transfer.describe(about);
  transfer.queue();
}

/** The button and the title say how things stand. */
function refresh() {
  const waiting = [...entries.keys()].filter((row) => row.phase === "ready").length;
  button.textContent = waiting > 1 ? `Send ${waiting} bundles` : "Send bundle";
  const hadFocus = document.activeElement === button;
  button.hidden = waiting === 0 && entries.size > 0;
  if (hadFocus && button.hidden) list.focus();
  hint.hidden = !transfers().some(({ active }) => active);
  hint.textContent = "Keep this page open while it sends. If it closes, choose the same file again: it goes on where it stopped.";
  totals.show(transfers());
}

function addAll(files) {
  const { expected } = unfinished;
  unfinished.expected = null;
  // Others may be chosen along with the one that was asked for.
  const wanted = expected && !files.some((file) => expected.fits(file)) ? expected : null;
  for (const file of files) {
    const look = add(file, wanted).finally(() => looking.delete(look));
    looking.add(look);
  }
}

input.multiple = true;
input.required = false;
input.addEventListener("change", () => {
  addAll([...input.files]);
  input.value = "";
});
input.addEventListener("cancel", () => {
  unfinished.expected = null;
});
// What was chosen before this script ran, or what the browser put back after a reload.
if (input.files.length > 0) input.dispatchEvent(new Event("change"));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await Promise.allSettled(looking);
  const ready = [...entries].filter(([row]) => row.phase === "ready");
  if (ready.length === 0 && entries.size > 0) return;
  if (ready.length === 0) {
    announce("Choose a bundle first.");
    input.click();
    return;
  }
  for (const [, transfer] of ready) sendOne(transfer);
});

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.add("dropzone--over");
  });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    if (name === "dragleave" && event.relatedTarget) return;
    zone.classList.remove("dropzone--over");
  });
}
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  addAll([...event.dataTransfer.files]);
});

addEventListener("online", () => transfers().forEach((transfer) => transfer.hurry()));
// Who comes back from signing in in another tab need not press anything.
addEventListener("focus", () => transfers().forEach((transfer) => transfer.phase === "signedout" && transfer.goOn()));
addEventListener("beforeunload", (event) => {
  if (transfers().some(({ active }) => active)) event.preventDefault();
});
setInterval(() => transfers().forEach((transfer) => transfer.tick()), 1000);

form.dataset.ready = "yes"; // for who must wait until files can be dropped
