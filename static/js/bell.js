// The bell: asks now and then, while the page is seen, what somebody was told, and says what is new.

const EVERY = 4000; // milliseconds
const AT_MOST = 60_000; // the longest pause while nobody answers

const bell = document.getElementById("bell");
const count = document.getElementById("bell-count");
const news = document.getElementById("news");
const newsWords = document.getElementById("news-words");
let newest = Number(bell.dataset.newest); // moment of the newest that is known, seconds
let tag = null;
let pause = EVERY;
let timer = null;

function show({ unread, newest: last }) {
  const words = unread > 99 ? "99+" : String(unread);
  count.textContent = words;
  count.hidden = unread === 0;
  document.getElementById("bell-label").textContent = `Notices, ${unread === 0 ? "none" : words} unread`;
  if (!last) news.hidden = true; // read, here or elsewhere
  else if (last.at > newest) {
    newest = last.at;
    tell(last);
  }
}

function tell({ words, url }) {
  newsWords.textContent = words;
  newsWords.href = url ?? bell.href;
  news.hidden = false;
  document.getElementById("announcer").textContent = `New notice: ${words}`;
}

async function ask() {
  try {
    const headers = { Accept: "application/json", ...(tag && { "If-None-Match": tag }) };
    const answer = await fetch(bell.dataset.poll, { headers, cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) return; // signed out: the page itself says so
    if (answer.status === 200) {
      tag = answer.headers.get("ETag");
      show(await answer.json());
    }
    pause = answer.status < 500 ? EVERY : Math.min(pause * 2, AT_MOST);
  } catch {
    pause = Math.min(pause * 2, AT_MOST); // no connection at the moment
  }
  wait();
}

function wait() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ask, pause);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) ask();
});
document.getElementById("news-close").addEventListener("click", () => {
  news.hidden = true;
  bell.focus();
});
wait();
