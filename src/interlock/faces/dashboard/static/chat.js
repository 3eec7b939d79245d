// The conversation on this page: follows the answer that is being written, sends with Enter, tells screen readers.

const status = document.getElementById("chat-status");
const answers = new Map(); // run -> { source, turns, isOver }
const painted = new WeakMap(); // element -> the text it shows

function atEnd() {
  return innerHeight + scrollY >= document.documentElement.scrollHeight - 160;
}

function toEnd() {
  scrollTo({ top: document.documentElement.scrollHeight });
}

// What has come stands in memory: the page's parts are replaced under it when something else changes.
function paint(run) {
  const place = document.querySelector(`[data-said="${run}"]`);
  const after = document.querySelector(`[data-said-after="${run}"]`);
  const answer = answers.get(run);
  if (!place || !answer) return;
  const wasAtEnd = atEnd();
  let shown = 0;
  for (const [turn, html] of [...answer.turns].sort((one, other) => one[0] - other[0])) {
    let part = place.querySelector(`[data-turn="${turn}"]`) ?? after.querySelector(`[data-turn="${turn}"]`);
    if (!html) {
      part?.remove();
      continue;
    }
    shown += 1;
    if (!part) {
      part = document.createElement("div");
      part.dataset.turn = String(turn);
      part.className = "markdown";
      // The first words go before the tool calls that follow from them, later ones behind.
      (turn === 0 ? place : after).append(part);
    }
    if (painted.get(part) !== html || part.innerHTML === "") {
      part.innerHTML = html; // made by our server from Markdown, without any markup of the model's
      painted.set(part, html);
    }
  }
  place.querySelector(".waiting")?.toggleAttribute("hidden", shown > 0);
  if (wasAtEnd) toEnd();
}

function reload() {
  const talk = document.getElementById("talk");
  if (talk) htmx.trigger(talk, "answered");
}

function follow() {
  for (const live of document.querySelectorAll("[data-stream]")) {
    const run = live.dataset.run;
    if (answers.has(run)) {
      paint(run);
      continue;
    }
    const source = new EventSource(live.dataset.stream);
    const answer = { source, turns: new Map(), isOver: false };
    answers.set(run, answer);
    if (status) status.textContent = "The answer is being written.";
    source.addEventListener("turn", (event) => {
      const { turn, html } = JSON.parse(event.data);
      answer.turns.set(turn, html);
      paint(run);
    });
    source.addEventListener("ended", () => {
      answer.isOver = true;
      source.close();
      reload();
    });
    source.addEventListener("error", () => {
      // A lost connection is taken up by the browser; a refused one means that the answer is over, or the sign-in is.
      if (source.readyState !== EventSource.CLOSED || answer.isOver) return;
      answers.delete(run);
      setTimeout(reload, 2000);
    });
  }
  for (const [run, answer] of answers) {
    if (document.querySelector(`[data-run="${run}"]`)) continue;
    answer.source.close();
    answers.delete(run);
    const said = document.querySelector("#talk .message:last-child .bubble, #talk .message:last-child .problem");
    if (status && said) status.textContent = `Answer: ${said.textContent.trim().slice(0, 2000)}`;
  }
}

document.addEventListener("htmx:afterSettle", follow);

const composer = document.getElementById("composer");
const text = document.getElementById("chat-text") ?? document.querySelector("#new-chat textarea");
text?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (text.value.trim()) text.form.requestSubmit();
});
composer?.addEventListener("htmx:afterRequest", (event) => {
  if (event.target !== composer || !event.detail.xhr.status || event.detail.xhr.status >= 400) return;
  composer.reset();
  text.focus();
  toEnd();
});

follow();
if (composer) toEnd();
