/* Interlock chat widget. One tag: <script src="https://server/embed.js" data-chatbot-id="emb_..." async></script>
   No dependency, no build, no inline style: it works under a strict content security policy that allows this server
   in script-src and connect-src. Whatever is said goes through textContent, never through markup. */
(() => {
  "use strict";
  const tag = document.currentScript || document.querySelector("script[data-chatbot-id]");
  const id = tag && tag.dataset.chatbotId;
  if (!id) return console.error("embed.js: the script tag needs data-chatbot-id with the chatbot's embed id.");
  const door = new URL("/api/embed/" + encodeURIComponent(id), tag.src).href;
  const KEY = "interlock-chat:" + id;
  const MOST_KEPT = 40;
  const TRIES = 3;

  // What was said is kept by the browser alone; where it may not store, memory has to do.
  let kept = { session: null, log: [] };
  try {
    kept = Object.assign(kept, JSON.parse(localStorage.getItem(KEY) || "{}"));
  } catch { /* storage is closed or holds something else */ }
  if (!Array.isArray(kept.log)) kept.log = [];
  const keep = () => {
    kept.log = kept.log.slice(-MOST_KEPT);
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch { /* as above */ }
  };

  const CSS = `
:host{all:initial;--c:#2457d6;--on:#fff}
*{box-sizing:border-box;font:15px/1.45 system-ui,sans-serif}
.bubble,.panel{position:fixed;bottom:20px;right:20px;z-index:2147483000}
.left .bubble,.left .panel{right:auto;left:20px}
button{cursor:pointer;border:0;border-radius:8px;background:var(--c);color:var(--on)}
button:disabled{opacity:.5;cursor:default}
:focus-visible{outline:3px solid var(--c);outline-offset:2px}
.bubble{width:56px;height:56px;border-radius:50%;padding:14px;box-shadow:0 4px 16px #0004}
.bubble svg{display:block;width:28px;height:28px;fill:currentColor}
.panel{display:flex;flex-direction:column;width:370px;max-width:calc(100vw - 24px);height:540px;
max-height:calc(100vh - 40px);background:#fff;color:#1b1e24;border-radius:14px;overflow:hidden;box-shadow:0 8px 40px #0005}
[hidden]{display:none!important}
header{display:flex;align-items:center;gap:8px;padding:12px 14px;background:var(--c);color:var(--on)}
h2{flex:1;margin:0;font-weight:600;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
header button{background:transparent;padding:4px 10px;font-size:18px}
header :focus-visible{outline-color:var(--on);outline-offset:-2px}
.log{flex:1;overflow-y:auto;padding:14px;margin:0;display:flex;flex-direction:column;gap:10px}
.log>div{max-width:86%;padding:9px 12px;border-radius:12px;white-space:pre-wrap;overflow-wrap:anywhere}
.bot{align-self:flex-start;background:#eef0f4}
.me{align-self:flex-end;background:var(--c);color:var(--on)}
.bad{align-self:stretch;background:#fdecea;color:#8a1c10}
.wait::after{content:"…"}
small{display:block;margin-top:6px;font-size:12px;color:#545b69}
form{display:flex;gap:8px;padding:10px;border-top:1px solid #dfe2e8}
textarea{flex:1;resize:none;height:42px;padding:9px 10px;border:1px solid #8a92a0;border-radius:8px;background:#fff;color:inherit}
form button{padding:0 16px}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media (prefers-color-scheme:dark){.panel,textarea{background:#1d2026;color:#f0f2f5}.bot{background:#2d323b}
form{border-color:#3a404b}small{color:#b3bac6}.bad{background:#4a1f1a;color:#ffd9d3}}
@media (max-width:480px){.panel,.left .panel{right:0;left:0;bottom:0;width:100vw;max-width:100vw;height:100vh;
height:100dvh;max-height:none;border-radius:0}}`;

  const make = (name, props, ...children) => {
    const node = Object.assign(document.createElement(name), props);
    node.append(...children);
    return node;
  };
  const icon = () => {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    const path = document.createElementNS(ns, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z");
    svg.append(path);
    return svg;
  };

  const host = make("div", { id: "interlock-chat" });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];

  const bubble = make("button", { className: "bubble", type: "button" }, icon());
  const heading = make("h2", { id: "title" });
  const close = make("button", { type: "button", textContent: "×" });
  const log = make("div", { className: "log", tabIndex: 0 });
  const told = make("div", { className: "sr" });
  const input = make("textarea", { id: "say", maxLength: 10000, placeholder: "Write a message" });
  const send = make("button", { type: "submit", textContent: "Send" });
  const label = make("label", { className: "sr", htmlFor: "say", textContent: "Your message" });
  const form = make("form", {}, label, input, send);
  const panel = make("section", { className: "panel", hidden: true }, make("header", {}, heading, close), log, told, form);
  const all = make("div", {}, bubble, panel);
  bubble.setAttribute("aria-haspopup", "dialog");
  bubble.setAttribute("aria-expanded", "false");
  close.setAttribute("aria-label", "Close the chat");
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-labelledby", "title");
  log.setAttribute("role", "log");
  log.setAttribute("aria-live", "off"); // a streamed answer is read out once, when it is whole
  log.setAttribute("aria-label", "Conversation");
  told.setAttribute("role", "status");
  root.append(all);

  const say = (kind, text) => {
    const node = make("div", { className: kind });
    const who = { me: "You: ", bot: "Answer: ", bad: "" }[kind];
    const words = make("span", { textContent: text });
    node.append(make("span", { className: "sr", textContent: who }), words);
    log.append(node);
    log.scrollTop = log.scrollHeight;
    return { node, words };
  };
  const cite = (node, sources) => {
    const names = (sources || []).map((s) => (s.locator ? s.title + " (" + s.locator + ")" : s.title));
    if (names.length) node.append(make("small", { textContent: "Sources: " + names.join(" · ") }));
    log.scrollTop = log.scrollHeight;
  };
  const show = (open) => {
    panel.hidden = !open;
    bubble.hidden = open;
    bubble.setAttribute("aria-expanded", String(open));
    if (open) log.scrollTop = log.scrollHeight;
    (open ? input : bubble).focus();
  };
  bubble.onclick = () => show(true);
  close.onclick = () => show(false);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) show(false);
    event.stopPropagation(); // the page's own shortcuts are not meant while somebody writes here
  });
  input.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  };

  const look = (widget) => {
    heading.textContent = widget.title;
    bubble.setAttribute("aria-label", "Open the chat: " + widget.title);
    all.className = widget.position === "left" ? "left" : "";
    const color = /^#[0-9a-f]{6}$/i.test(widget.color || "") ? widget.color : "#2457d6";
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    const on = r * 0.299 + g * 0.587 + b * 0.114 > 150 ? "#16181d" : "#fff";
    sheet.insertRule(`:host{--c:${color};--on:${on}}`, sheet.cssRules.length);
    if (widget.greeting) say("bot", widget.greeting);
    for (const [kind, text, sources] of kept.log) cite(say(kind === "me" ? "me" : "bot", String(text)).node, sources);
  };

  const inWords = (status, retry, told) => {
    if (status === 429) return "Too many messages. Please wait " + (retry || "a few") + " seconds.";
    if (status === 503) return told || "The chat is not available at the moment. Please try again later.";
    if (status === 404) return "This chat is not available.";
    if (status === 0) return "No connection to the chat. Please try again.";
    return told || "Something went wrong. Please try again.";
  };
  class Refused extends Error {
    constructor(status, told, retry) {
      super(inWords(status, retry, told));
      this.status = status;
      this.retry = Number(retry) || 0;
    }
  }
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

  // Asks until the answer begins. What may pass by itself is tried again, later each time; a refusal is not.
  const ask = async (message) => {
    for (let attempt = 1; ; attempt++) {
      let failure;
      try {
        const reply = await fetch(door + "/chat", {
          method: "POST",
          credentials: "omit",
          headers: { "content-type": "application/json", accept: "text/event-stream" },
          body: JSON.stringify(kept.session ? { message, session_id: kept.session } : { message }),
        });
        if (reply.ok) return reply;
        const told = await reply.json().catch(() => ({}));
        failure = new Refused(reply.status, told.detail, reply.headers.get("retry-after"));
      } catch {
        failure = new Refused(0);
      }
      const passing = failure.status === 0 || failure.status === 502 || failure.status === 504;
      const soon = failure.status === 429 && failure.retry > 0 && failure.retry <= 5;
      if (attempt >= TRIES || !(passing || soon)) throw failure;
      await pause(failure.retry || attempt * attempt);
    }
  };

  const read = async (reply, on) => {
    const decoder = new TextDecoder();
    const reader = reply.body.getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const kind = /^event: (.*)$/m.exec(block);
        const data = /^data: (.*)$/m.exec(block);
        if (kind && data) on(kind[1], JSON.parse(data[1]));
      }
    }
  };

  form.onsubmit = async (event) => {
    event.preventDefault();
    const message = input.value.trim();
    if (!message || send.disabled) return;
    send.disabled = true;
    input.value = "";
    say("me", message);
    const answer = say("bot", "");
    answer.node.classList.add("wait");
    told.textContent = "Waiting for the answer.";
    let sources = [];
    let isWhole = false;
    try {
      await read(await ask(message), (kind, data) => {
        if (kind === "session") kept.session = data.session_id;
        else if (kind === "delta") {
          answer.words.textContent += data.text;
          log.scrollTop = log.scrollHeight;
        } else if (kind === "sources") sources = data.sources;
        else if (kind === "done") isWhole = true;
        else if (kind === "error") throw new Refused(-1, data.detail);
      });
      if (!isWhole) throw new Refused(0);
      cite(answer.node, sources);
      kept.log.push(["me", message], ["bot", answer.words.textContent, sources]);
      told.textContent = "Answer: " + answer.words.textContent;
    } catch (failure) {
      const words = failure instanceof Refused ? failure.message : inWords(-1);
      if (!answer.words.textContent) {
        answer.node.remove();
        input.value = input.value || message; // nothing of it was answered: it can be sent again
      }
      say("bad", words);
      told.textContent = words;
    }
    keep();
    answer.node.classList.remove("wait");
    send.disabled = false;
    if (!panel.hidden) input.focus();
  };

  const begin = async () => {
    try {
      const reply = await fetch(door, { credentials: "omit" });
      if (!reply.ok) throw new Refused(reply.status);
      look(await reply.json());
      document.body.append(host);
    } catch (failure) {
      console.error("embed.js: " + (failure.message || failure));
    }
  };
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
