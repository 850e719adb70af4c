/* SPDX-License-Identifier: ISC */
/*
 * The ladder of a run: its rows from the numbers that report_page.c has written, folded by steps of
 * the scenario, with a card of fields for each and a way to follow one request.
 */
const COLUMNS = ["application", "frontend", "ring", "backend", "XenStore"];
const KINDS = { event: 0, step: 1, broken: 2, gap: 3 };
const DEVICES = 16;
const LONG_RUN = 6; /* so many events of a group in a row are folded into one */
const SLOTS_DRAWN = 64;
const LONG_LADDER = 300; /* rows, beyond which all steps but the failing one are folded */

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value))
        element.addEventListener(event, handler);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

function decodeLadder(numbers, words, shared) {
  const rows = [];
  let time = 0;
  for (let at = 0; at < numbers.length; at += 5) {
    let code = numbers[at + 1];
    time += numbers[at];
    const row = { index: rows.length, time, text: words[numbers[at + 2]], requests: [] };
    row.kind = code % 4;
    code = Math.floor(code / 4);
    row.to = code % 5;
    code = Math.floor(code / 5);
    row.from = code % 5;
    code = Math.floor(code / 5);
    row.failed = code % 2 === 1;
    code = Math.floor(code / 2);
    row.device = code === 0 ? null : (code - 1) % DEVICES;
    row.queue = code === 0 ? null : Math.floor((code - 1) / DEVICES);
    if (row.kind === KINDS.step) {
      row.step = numbers[at + 3];
      row.line = numbers[at + 4];
    } else if (row.kind === KINDS.gap) {
      row.count = numbers[at + 3];
    } else {
      if (numbers[at + 3] !== 0) row.requests.push(numbers[at + 3]);
      row.slot = numbers[at + 4] - 1;
    }
    rows.push(row);
  }
  for (let at = 0; at < shared.length; at += 2 + shared[at + 1])
    rows[shared[at]].requests = shared.slice(at + 2, at + 2 + shared[at + 1]);
  return rows;
}

/* "#2", or "#2-4 #7". */
function requestsName(requests) {
  const parts = [];
  for (let at = 0, last; at < requests.length; at = last + 1) {
    for (last = at; requests[last + 1] === requests[last] + 1;) last++;
    parts.push("#" + requests[at] + (last > at ? "-" + requests[last] : ""));
  }
  return parts.join(" ");
}

function belongs(row, request) {
  return row.kind === KINDS.event && row.requests.includes(request);
}

/* "request index=1 op=read -> ok": the kind, words without a name, fields, what came of it. */
function fieldsOf(text) {
  const parts = text.match(/"(?:[^"\\]|\\.)*"(?:\+\d+)?|->|\S+/g) || [];
  const fields = [];
  let result = null;
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i];
    const equals = /^[a-z_0-9]+=/.exec(part);
    if (part === "->") {
      result = parts.slice(i + 1).join(" ");
      break;
    }
    if (equals) fields.push([part.slice(0, equals[0].length - 1), part.slice(equals[0].length)]);
    else fields.push([part[0] === "/" ? "path" : part[0] === '"' ? "value" : "what", part]);
  }
  return { kind: parts[0] || "", fields, result };
}

function microseconds(time) {
  return (time / 1000).toFixed(3);
}

function deviceName(row) {
  return row.device === null ? "" : "xvd" + String.fromCharCode(97 + row.device);
}

/* By what it has to do with, for its colour. */
function classOf(row, kind) {
  if (kind === "fault" || kind === "harm" || kind === "back-life") return "harm";
  if (row.from === 4 || row.to === 4) return "store";
  if (row.from === 2 || row.to === 2) return "ring";
  if (kind === "notify" || kind.startsWith("port-")) return "wake";
  return row.from === 0 || row.to === 0 ? "app" : "own";
}

function isAccess(kind) {
  return kind === "load" || kind === "store";
}

const middle = (column) => column * 20 + 10;

function arrow(from, to) {
  const left = middle(Math.min(from, to)), right = middle(Math.max(from, to));
  return make("i", {
    class: "arrow " + (from < to ? "right" : "left"),
    style: `left:${left}%;width:${right - left}%`,
  });
}

function dot(column) {
  return make("i", { class: "dot", style: `left:${middle(column)}%` });
}

function picture(row) {
  const box = make("span", { class: "picture" });
  box.append(row.from === row.to ? dot(row.from) : arrow(row.from, row.to));
  if (row.slot >= 0) box.append(make("span", { class: "slot" }, String(row.slot)));
  return box;
}

function wordsOf(fields) {
  const box = make("span", { class: "words" }, make("b", {}, fields.kind));
  for (const [name, value] of fields.fields) {
    if (name === "path") {
      const cut = value.lastIndexOf("/") + 1;
      box.append(" ", make("i", {}, value.slice(0, cut)), value.slice(cut));
    } else if (name === "value" || name === "what") {
      box.append(" ", value);
    } else {
      box.append(" ", make("i", {}, name + "="), value);
    }
  }
  if (fields.result !== null) box.append(make("i", {}, " \u2192 "), fields.result);
  return box;
}

/* Events without anything special, of which many in a row say no more than a few. */
function groupOf(row) {
  if (row.kind !== KINDS.event || row.failed || row.requests.length !== 0) return null;
  if (row.from === 4 || row.to === 4) return COLUMNS[4];
  return row.from === row.to ? COLUMNS[row.from] : null;
}

/* The picture and what can be done with it. */
class Ladder {
  constructor(rows, tip) {
    this.rows = rows;
    this.tip = tip;
    this.elements = [];
    this.followed = 0;
    this.folds = [];
    this.root = make("div", { class: "ladder card", role: "list", "aria-label": "Ladder",
      on: {
        keydown: (event) => this.key(event),
        click: (event) => this.click(event),
        mouseover: (event) => this.hover(event),
        mouseleave: () => this.hide(),
        focusin: (event) => this.hover(event),
        focusout: () => this.hide(),
      } });
    this.journey = make("div", { class: "journey", "aria-live": "polite" });
    this.draw();
  }

  draw() {
    this.root.append(make("div", { class: "names" },
      make("span", { class: "time" }, "time, \u00b5s"),
      make("span", { class: "lanes" }, ...COLUMNS.map((name) => make("span", {}, name))),
      make("span", {}), make("span", { class: "soft" }, "what happens, in virtual time")));
    let begin = 0;
    for (let at = 1; at <= this.rows.length; at++) {
      if (at === this.rows.length || this.rows[at].kind === KINDS.step) {
        this.drawStep(begin, at);
        begin = at;
      }
    }
    const first = this.root.querySelector(".row, .band");
    if (first) first.tabIndex = 0;
  }

  /* A step and its events, to be folded as one. */
  drawStep(begin, end) {
    const step = this.rows[begin];
    const events = this.rows.slice(begin, end).filter((row) => row.kind !== KINDS.step);
    const isStep = step.kind === KINDS.step;
    const failed = step.failed || events.some((row) => row.failed);
    const shut = this.rows.length > LONG_LADDER ? !failed : !isStep;
    const box = make("div", {});
    const band = make("div", { class: "band" + (isStep && step.failed ? " failed" : ""),
      role: "listitem", tabindex: -1 },
    make("span", { class: "fold", "aria-hidden": "true" }),
    isStep && step.step ? make("code", {}, step.text)
      : isStep ? make("span", {}, step.text) : make("span", {}, "before the first step"),
    isStep && step.step ? make("span", { class: "soft" },
      `step ${step.step}` + (step.line ? `, line ${step.line}` : "")) : null,
    make("span", { class: "soft" }, count(events.length, "event")));
    if (isStep) {
      band.dataset.line = step.line;
      this.elements[begin] = band;
    }
    this.root.append(band, box);
    this.addFold(band, box, shut, () => this.drawEvents(box, begin + (isStep ? 1 : 0), end));
    for (let at = begin; at < end; at++) this.rows[at].fold = this.folds.length - 1;
  }

  drawEvents(box, begin, end) {
    for (let at = begin; at < end;) {
      const group = groupOf(this.rows[at]);
      let run = at + 1;
      while (group !== null && run < end && groupOf(this.rows[run]) === group) run++;
      if (run - at >= LONG_RUN) this.drawRun(box, at, run, group);
      else for (let i = at; i < run; i++) box.append(this.drawRow(this.rows[i]));
      at = run;
    }
  }

  drawRun(box, begin, end, group) {
    const counts = new Map();
    let other = 4; /* the leftmost who has to do with it */
    for (let at = begin; at < end; at++) {
      const kind = this.rows[at].text.split(" ", 1)[0];
      counts.set(kind, (counts.get(kind) || 0) + 1);
      other = Math.min(other, this.rows[at].from, this.rows[at].to);
    }
    const list = [...counts].map(([kind, number]) => `${kind} ${number}`).join(", ");
    const alone = this.rows[begin].from === this.rows[begin].to;
    const band = make("div", { class: "row run " + (alone ? "own" : "store"), role: "listitem",
      tabindex: -1 },
    make("span", { class: "fold", "aria-hidden": "true" }),
    make("span", { class: "picture" }, alone ? dot(other) : arrow(other, 4)), make("span", {}),
    make("span", { class: "words" },
      make("b", {}, `${end - begin} times ${group}${alone ? " alone" : ""}`), " ",
      make("i", {}, list)));
    const inner = make("div", {});
    box.append(band, inner);
    this.addFold(band, inner, true, () => {
      for (let at = begin; at < end; at++) inner.append(this.drawRow(this.rows[at]));
    });
    for (let at = begin; at < end; at++) this.rows[at].inner = this.folds.length - 1;
  }

  addFold(band, box, shut, fill) {
    const fold = { band, box, fill, filled: false, shut: null };
    this.folds.push(fold);
    band.dataset.fold = this.folds.length - 1;
    this.setFold(fold, shut);
  }

  setFold(fold, shut) {
    fold.shut = shut;
    fold.box.hidden = shut;
    fold.band.setAttribute("aria-expanded", String(!shut));
    fold.band.firstChild.textContent = shut ? "\u25b8" : "\u25be";
    if (shut || fold.filled) return;
    fold.filled = true;
    fold.fill();
  }

  unfoldAll() {
    for (let i = 0; i < this.folds.length; i++) this.setFold(this.folds[i], false);
  }

  drawRow(row) {
    let element;
    if (row.kind === KINDS.broken) {
      element = make("div", { class: "judge" + (row.failed ? "" : " bygone"), role: "listitem",
        tabindex: -1 }, row.text);
    } else if (row.kind === KINDS.gap) {
      element = make("div", { class: "gap", role: "listitem", tabindex: -1 },
        `${row.count} events are left out here`);
    } else {
      const fields = fieldsOf(row.text);
      const before = this.rows[row.index - 1];
      const same = before && before.time === row.time && before.kind === KINDS.event;
      element = make("div", { role: "listitem", tabindex: -1,
        class: `row ${classOf(row, fields.kind)}${row.failed ? " failed" : ""}` },
      make("span", { class: "time" + (same ? " same" : "") }, microseconds(row.time)),
      picture(row), make("span", { class: "request" }, requestsName(row.requests)),
      wordsOf(fields));
      element.dataset.kind = fields.kind;
      element.classList.toggle("on", belongs(row, this.followed));
    }
    element.dataset.index = row.index;
    this.elements[row.index] = element;
    return element;
  }

  /* Where it is, whatever is folded. */
  show(index) {
    const row = this.rows[index];
    this.setFold(this.folds[row.fold], false);
    if (row.inner !== undefined) this.setFold(this.folds[row.inner], false);
    this.focus(this.elements[index]);
  }

  focus(element) {
    element.scrollIntoView({ block: "center" });
    element.focus({ preventScroll: true });
  }

  showStep(line) {
    const band = [...this.root.querySelectorAll(".band")]
      .find((one) => one.dataset.line === String(line));
    if (!band) return;
    this.setFold(this.folds[band.dataset.fold], false);
    band.scrollIntoView({ block: "start" });
    band.focus({ preventScroll: true });
  }

  /* The event that broke a rule, else the step that was not met. */
  showFailed() {
    const failed = this.rows.filter((row) => row.failed);
    const best = failed.find((row) => row.kind === KINDS.event) || failed[failed.length - 1];
    if (best) this.show(best.index);
  }

  /* ---- one request ---- */

  follow(request) {
    this.followed = request;
    this.root.classList.toggle("following", request !== 0);
    for (const row of this.rows) {
      const element = this.elements[row.index];
      if (element && row.kind === KINDS.event)
        element.classList.toggle("on", belongs(row, request));
    }
    this.journey.replaceChildren();
    if (request === 0) return;
    this.journey.append(make("b", {}, `request #${request}`));
    for (const row of this.ofFollowed()) {
      const fields = fieldsOf(row.text);
      const result = fields.result === null ? "" : ` \u2192 ${fields.result}`;
      const word = fields.fields.find(([name]) => name === "what");
      const more = row.slot >= 0 ? ` [${row.slot}]`
        : isAccess(fields.kind) && word ? " " + word[1] : result;
      this.journey.append("\u203a", make("button", { type: "button",
        on: { click: () => this.show(row.index) } }, fields.kind + more));
    }
    this.journey.append(make("button", { type: "button", "aria-label": "follow no more",
      on: { click: () => this.follow(0) } }, "\u00d7"));
  }

  ofFollowed() {
    return this.rows.filter((row) => belongs(row, this.followed));
  }

  nextOfFollowed(from, direction) {
    const rows = this.ofFollowed();
    const next = direction > 0 ? rows.find((row) => row.index > from)
      : rows.reverse().find((row) => row.index < from);
    if (next) this.show(next.index);
  }

  /* ---- by hand ---- */

  seen() {
    return [...this.root.querySelectorAll("[role=listitem]")]
      .filter((one) => one.offsetParent !== null);
  }

  key(event) {
    const at = event.target.closest("[role=listitem]");
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = at.dataset.index === undefined ? -1 : Number(at.dataset.index);
    const fold = at.dataset.fold === undefined ? null : this.folds[at.dataset.fold];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const all = this.seen();
      const next = all[all.indexOf(at) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) {
        next.scrollIntoView({ block: "nearest" });
        next.focus();
      }
    } else if (fold && (event.key === "Enter" || event.key === " ")) {
      this.setFold(fold, !fold.shut);
    } else if (fold && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      this.setFold(fold, event.key === "ArrowLeft");
    } else if (index >= 0 && (event.key === "Enter" || event.key === " ")) {
      this.toggleFollow(this.rows[index]);
    } else if (this.followed !== 0 && (event.key === "n" || event.key === "p")) {
      this.nextOfFollowed(index, event.key === "n" ? 1 : -1);
    } else if (this.followed !== 0 && event.key === "Escape") {
      this.follow(0);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /* Of a row that belongs to several each time the next one, then none. */
  toggleFollow(row) {
    this.follow(row.requests[row.requests.indexOf(this.followed) + 1] || 0);
  }

  click(event) {
    const at = event.target.closest("[role=listitem]");
    if (!at || String(window.getSelection()) !== "") return;
    at.focus({ preventScroll: true });
    if (at.dataset.fold !== undefined) {
      const fold = this.folds[at.dataset.fold];
      this.setFold(fold, !fold.shut);
    } else if (at.dataset.index !== undefined) {
      this.toggleFollow(this.rows[at.dataset.index]);
    }
  }

  /* ---- the card of fields ---- */

  hover(event) {
    const at = event.target.closest(".row[data-index]");
    if (!at) {
      this.hide();
      return;
    }
    this.tip.replaceChildren(...this.card(this.rows[at.dataset.index]));
    this.tip.hidden = false;
    const box = at.getBoundingClientRect();
    const below = box.bottom + this.tip.offsetHeight + 8 < window.innerHeight;
    const left = Math.max(8, box.right - this.tip.offsetWidth - 8);
    this.tip.style.left = left + "px";
    this.tip.style.top = (below ? box.bottom + 4 : box.top - this.tip.offsetHeight - 4) + "px";
  }

  hide() {
    this.tip.hidden = true;
  }

  card(row) {
    const { kind, fields, result } = fieldsOf(row.text);
    const list = make("dl", {});
    const add = (name, value) => list.append(make("dt", {}, name), make("dd", {}, value));
    const way = row.from === row.to ? [row.from] : [row.from, row.to];
    add("time", microseconds(row.time) + " \u00b5s");
    add("who", way.map((column) => COLUMNS[column]).join(" \u2192 "));
    if (row.device !== null) add("device", `${deviceName(row)}, queue ${row.queue}`);
    if (row.requests.length !== 0)
      add(row.requests.length > 1 ? "requests" : "request", requestsName(row.requests));
    for (const [name, value] of fields) {
      if (name !== "request") add(name, value);
    }
    if (result !== null) add("result", result);
    const parts = [make("b", {}, kind), list];
    if (row.slot >= 0) parts.push(...this.ring(row));
    return parts;
  }

  /* Which slots have a request without a response, after this row. */
  ring(row) {
    const busy = new Set();
    let slots = 32;
    for (const one of this.rows.slice(0, row.index + 1)) {
      if (one.device !== row.device || one.queue !== row.queue || one.kind !== KINDS.event)
        continue;
      const order = /^ring-attach .*order=(\d+)/.exec(one.text);
      if (order) {
        slots = 32 << Number(order[1]);
        busy.clear();
      } else if (one.slot >= 0 && one.text.startsWith("request ")) {
        busy.add(one.slot);
      } else if (one.slot >= 0 && one.text.startsWith("response ")) {
        busy.delete(one.slot);
      }
    }
    const text = make("div", { class: "soft" },
      `slot ${row.slot} of ${slots}; ${busy.size} in flight after this`);
    if (slots > SLOTS_DRAWN) return [text];
    return [text, make("div", { class: "slots" }, ...Array.from({ length: slots }, (_, slot) =>
      make("i", { class: (busy.has(slot) ? "busy" : "") + (slot === row.slot ? " this" : "") })))];
  }
}
