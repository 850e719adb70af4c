/* SPDX-License-Identifier: ISC */
/*
 * The report: sums, the matrix of rules, scenarios and variants, and a page for each scenario. What
 * is shown is drawn when it is wanted, from the data that lie in script elements; text is only ever
 * text.
 */
const STATES = [
  { word: "passed", mark: "\u2713" }, { word: "failed", mark: "\u2717" },
  { word: "skipped", mark: "\u2013" }, { word: "expected failures", mark: "~" },
];
const RULES = 21;
const FEW_TOPICS = 6; /* with so many all are unfolded */
const FEW_FAILURES = 12; /* are listed below the sums */
const PRINTED_ROWS = 3000; /* of a ladder, which is unfolded for paper */

const byId = (id) => document.getElementById(id);
const dataOf = (id) => JSON.parse(byId(id).textContent);
const overview = dataOf("overview");
const filter = { text: "", state: -1, rule: 0 };
const unfolded = new Set(); /* topics and files of the matrix, as they were changed by hand */
const folded = new Set();
let words = null;
let ladder = null; /* of the page that is shown */
let lastSeen = null; /* the row of the list that was left */

overview.files.forEach((file, number) => {
  const parts = file.id.split("/");
  file.number = number;
  file.topic = parts.length > 1 ? parts.slice(0, -1).join("/") : ".";
  file.name = parts[parts.length - 1];
  file.lower = (file.id + " " + (file.title || "")).toLowerCase();
  file.state = worst(file.runs.map((run) => run[1]));
});

/* The folder that all topics lie in: it needs not be told each time. */
const commonFolder = overview.files.map((file) => file.topic.split("/").slice(0, -1))
  .reduce((common, parts) => {
    if (common === null) return parts;
    const differs = common.findIndex((part, i) => part !== parts[i]);
    return differs < 0 ? common : common.slice(0, differs);
  }, null);

function topicName(topic) {
  return topic.split("/").slice(commonFolder.length).join("/");
}

function worst(states) {
  return [1, 3, 0, 2].find((state) => states.includes(state)) ?? 0;
}

/* The one that says most of a scenario: a failing one, if there is any. */
function firstRun(file) {
  return file.runs.findIndex((run) => run[1] === file.state);
}

/* ---- what is shown ---- */

function isAbout(file, rule) {
  return (file.rules >> rule & 1) === 1;
}

function hasToDoWith(file, rule) {
  return isAbout(file, rule) || file.runs.some((run) => run[2] === rule);
}

function isShown(file) {
  return filter.text.split(/\s+/).every((word) => file.lower.includes(word)) &&
    (filter.state < 0 || file.runs.some((run) => run[1] === filter.state)) &&
    (filter.rule === 0 || hasToDoWith(file, filter.rule));
}

function shownFiles() {
  return overview.files.filter(isShown);
}

/* ---- sums ---- */

function drawSums() {
  const counts = [overview.passed, overview.failed, overview.skipped, overview.expected];
  const colours = ["good", counts[1] ? "bad" : "soft", "soft", "warn"];
  const cards = STATES.map((state, i) => i === 3 && counts[i] === 0 ? null
    : make("div", { class: "card" }, make("b", { class: colours[i] }, String(counts[i])),
      state.word));
  cards.unshift(make("div", { class: "card" }, make("b", {}, String(overview.files.length)),
    `scenarios, ${count(overview.runs, "run")}`));
  const share = make("div", { class: "share", "aria-hidden": "true" }, ...counts.map((number, i) =>
    make("i", { class: "s" + i, style: `flex:${number} 0 ${number ? "3px" : "0"}` })));
  return [make("div", { class: "sums" }, ...cards), share,
    overview.interrupted
      ? make("p", { class: "bad" }, "Interrupted: the rest was not played.") : null,
    overview.refused
      ? make("p", { class: "bad" }, `Nothing was played: ${overview.refused}`) : null];
}

function link(file, run, ...children) {
  return make("a", { href: `#/${file.number}/${run}` }, ...children);
}

function failedRuns(file) {
  return file.runs.filter((run) => run[1] === 1);
}

function drawFailures(files) {
  const failed = files.filter((file) => failedRuns(file).length > 0);
  const items = failed.slice(0, FEW_FAILURES).map((file) => {
    const runs = failedRuns(file);
    const rules = [...new Set(runs.map((run) => run[2]))].filter((rule) => rule > 0);
    return make("li", {}, make("span", { class: "mark s1" }, STATES[1].mark),
      link(file, file.runs.indexOf(runs[0]), file.title || file.name), " ",
      make("code", { class: "soft" }, file.id), " ",
      make("span", { class: "bad" }, rules.map((rule) => "I" + rule).join(" ")),
      file.runs.length === 1 ? "" : ` ${runs.length} of ${file.runs.length} runs`);
  });
  if (failed.length === 0) return [];
  if (failed.length > items.length)
    items.push(make("li", { class: "soft" }, `and ${failed.length - items.length} more, below`));
  return [make("h2", {}, "What failed"), make("ul", { class: "failures card" }, ...items)];
}

/* ---- the matrix ---- */

/* An expectation that does not hold breaks what the scenario is about. */
function breaks(run, rule, about) {
  return run[1] === 1 && (run[2] === rule || (run[2] === 0 && about));
}

/* One cell for the runs that are given: whether the rule is what they are about, was put to a test
 * in them, or broken. */
function cell(runs, rule, about) {
  const broken = runs.filter((run) => breaks(run, rule, about)).length;
  const asked = runs.filter((run) => (run[3] >>> rule & 1) === 1).length;
  const all = count(runs.length, "run");
  if (broken > 0) {
    return make("td", { class: "broken", title: `I${rule}: fails in ${broken} of ${all}` },
      STATES[1].mark);
  }
  if (runs.every((run) => run[1] === 2))
    return make("td", { title: "not played" }, about ? STATES[2].mark : "");
  if (asked === 0) {
    return make("td", { class: "about", title: about ? `I${rule}: by what is expected` : null },
      about ? "\u25cb" : "");
  }
  return make("td", { class: about ? "about" : "asked",
    title: `I${rule}: ${about ? "what this is about, " : ""}put to a test in ${asked} of ${all}` },
  about ? "\u25cf" : "\u00b7");
}

function cells(runs, rules) {
  return Array.from({ length: RULES }, (_, i) => cell(runs, i + 1, (rules >> (i + 1) & 1) === 1));
}

function foldButton(open, name) {
  return make("button", { class: "fold", type: "button", tabindex: -1, "aria-hidden": "true",
    title: name }, open ? "\u25be" : "\u25b8");
}

function isOpen(key, initially) {
  return unfolded.has(key) || (initially && !folded.has(key));
}

function toggle(key, open) {
  (open ? unfolded : folded).delete(key);
  (open ? folded : unfolded).add(key);
  drawList();
  const row = rowOf(key);
  if (row) row.focus();
}

function rowOf(key) {
  return [...document.querySelectorAll(".matrix [data-key]")]
    .find((one) => one.dataset.key === key);
}

function rowHead(open, foldable, ...children) {
  return make("th", { scope: "row" }, foldable ? foldButton(open, open ? "fold" : "unfold")
    : make("span", { class: "fold" }), ...children);
}

function matrixRow(key, kind, open, head, cellsOfRow) {
  return make("tr", { class: kind, tabindex: -1, "data-key": key,
    "aria-expanded": open === null ? null : String(open) }, head, ...cellsOfRow);
}

function topicCell(files, rule) {
  const about = files.filter((file) => isAbout(file, rule)).length;
  const broken = files.filter((file) =>
    file.runs.some((run) => breaks(run, rule, isAbout(file, rule)))).length;
  const title = broken ? `${count(broken, "scenario")} not kept` : `${count(about, "scenario")}`;
  return make("td", { class: broken ? "broken" : "", title: `I${rule}: ${title}` },
    String(broken || about || ""));
}

function topicRow(topic, files, open) {
  const runs = files.flatMap((file) => file.runs);
  const state = worst(files.map((file) => file.state));
  const row = matrixRow("t" + topic, "topic", open,
    rowHead(open, true, make("span", { class: "mark s" + state }, STATES[state].mark),
      topicName(topic), " ",
      make("span", { class: "soft" },
        `${count(files.length, "scenario")}, ${count(runs.length, "run")}`)),
    Array.from({ length: RULES }, (_, i) => topicCell(files, i + 1)));
  row.toggle = () => toggle("t" + topic, open);
  return row;
}

function fileRows(file) {
  const key = "f" + file.number;
  const many = file.runs.length > 1;
  const open = many && isOpen(key, false);
  const first = firstRun(file);
  const row = matrixRow(key, "file", many ? open : null, rowHead(open, many,
    make("span", { class: "mark s" + file.state }, STATES[file.state].mark),
    link(file, first, file.title || file.name), " ", make("span", { class: "soft" }, file.name +
      (many ? `, ${file.runs.length} runs` : ""))), cells(file.runs, file.rules));
  row.firstChild.title = file.id + (file.title ? ": " + file.title : "");
  row.toggle = many ? () => toggle(key, open) : null;
  row.open = () => { location.hash = `#/${file.number}/${first}`; };
  if (!open) return [row];
  return [row, ...file.runs.map((run, i) => {
    const one = matrixRow(`r${file.number}/${i}`, "run", null, make("th", { scope: "row" },
      make("span", { class: "mark s" + run[1] }, STATES[run[1]].mark),
      link(file, i, make("code", {}, run[0] || file.name))), cells([run], file.rules));
    one.open = () => { location.hash = `#/${file.number}/${i}`; };
    return one;
  })];
}

function drawMatrix(files) {
  const topics = new Map();
  for (const file of files) topics.set(file.topic, [...(topics.get(file.topic) || []), file]);
  const few = topics.size <= FEW_TOPICS || filter.text !== "" || filter.state >= 0 ||
    filter.rule > 0;
  const body = make("tbody", {});
  for (const [topic, own] of topics) {
    const open = isOpen("t" + topic, few);
    body.append(topicRow(topic, own, open));
    if (open) body.append(...own.flatMap(fileRows));
  }
  const head = make("tr", {}, make("th", { scope: "col" }, "scenario"),
    ...overview.rules.slice(1).map((rule) => make("th", { scope: "col" },
      make("button", { type: "button", title: rule.text,
        "aria-pressed": String(filter.rule === rule.number),
        on: { click: () => setRule(filter.rule === rule.number ? 0 : rule.number) } },
      "I" + rule.number))));
  const table = make("table", { class: "matrix", on: { keydown: matrixKey, click: matrixClick } },
    make("thead", {}, head), body);
  const start = [...body.children].find((row) => row.dataset.key === lastSeen) || body.firstChild;
  if (start) start.tabIndex = 0;
  return table;
}

function matrixClick(event) {
  const row = event.target.closest("tr[data-key]");
  if (row && row.toggle && !event.target.closest("a")) row.toggle();
}

function matrixKey(event) {
  const row = event.target.closest("tr[data-key]");
  if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
  const next = event.key === "ArrowDown" ? row.nextElementSibling
    : event.key === "ArrowUp" ? row.previousElementSibling : null;
  const turns = row.ariaExpanded === "true" ? "ArrowLeft" : "ArrowRight";
  if (next) {
    next.scrollIntoView({ block: "nearest" });
    next.focus();
  } else if (event.key === "Enter" && event.target === row && row.open) {
    row.open();
  } else if (event.key === "Enter" && event.target === row && row.toggle) {
    row.toggle();
  } else if (row.toggle && event.key === turns) {
    row.toggle();
  } else {
    return;
  }
  event.preventDefault();
}

/* ---- the list ---- */

function ruleCard() {
  const rule = overview.rules[filter.rule];
  if (!rule) return null;
  return make("div", { class: "card" }, make("h3", {}, `I${filter.rule}: ${rule.text}`),
    make("p", {}, rule.why), make("p", { class: "soft" }, rule.source));
}

function drawList() {
  const files = shownFiles();
  ladder = null;
  const some = files.length === overview.files.length ? "" : `${files.length} of `;
  byId("shown").textContent = some + count(overview.files.length, "scenario");
  byId("main").replaceChildren(...[...drawSums(), ruleCard(), ...drawFailures(files),
    make("h2", {}, "Rules and scenarios"),
    make("p", { class: "soft" }, "\u25cf what the scenario is about, \u25cb by what it expects ",
      "alone, \u00b7 put to a test all the same, \u2717 broken, \u2013 not played; a folder's row ",
      "has the number of scenarios about the rule, or of those that do not keep it."),
    files.length === 0 ? make("p", { class: "card" }, "No scenario is like that.")
      : drawMatrix(files),
  ].filter((part) => part));
}

function setRule(rule) {
  filter.rule = rule;
  byId("rule").value = String(rule);
  refilter();
}

function refilter() {
  if (location.hash.startsWith("#/")) location.hash = "";
  else drawList();
}

/* ---- a scenario ---- */

function drawRuns(file, chosen) {
  if (file.runs.length === 1) return null;
  return make("div", { class: "chips", role: "group", "aria-label": "Variants" },
    ...file.runs.map((run, i) => make("button", { type: "button", class: "chip s" + run[1],
      "aria-pressed": String(i === chosen),
      on: { click: () => { location.hash = `#/${file.number}/${i}`; } } },
    `${STATES[run[1]].mark} ${run[0] || "as it stands"}`)));
}

function drawVerdict(data, run, state) {
  const facts = [count(run.events, "event"), `${microseconds(run.ns)} \u00b5s of virtual time`];
  if (run.repeats > 0) facts.push(count(run.repeats, "repetition"));
  return make("div", { class: "card verdict s" + state },
    make("strong", { class: ["good", "bad", "soft", "warn"][state] },
      `${STATES[state].mark} ${run.verdict}`),
    run.reason ? make("p", {}, run.reason) : null,
    run.line && state !== 0 ? make("p", {}, `at ${data.path}:${run.line} (step ${run.step})`)
      : null,
    make("p", { class: "soft" }, facts.join(", ")),
    make("p", {}, make("span", { class: "soft" }, "again: "), make("code", {}, run.again)));
}

function drawText(data, run, state) {
  const lines = data.text.replace(/\n$/, "").split("\n");
  return make("pre", { class: "text card" }, ...lines.map((line, i) => make("a", {
    href: location.hash, "data-line": i + 1,
    class: state === 1 && run.line === i + 1 ? "failed" : null,
    on: { click: (event) => {
      event.preventDefault();
      if (ladder) ladder.showStep(i + 1);
    } } }, line)));
}

function button(text, handler) {
  return make("button", { type: "button", on: { click: handler } }, text);
}

function drawTools() {
  const requests = [...new Set(ladder.rows.flatMap((row) => row.requests))]
    .sort((a, b) => a - b);
  const choice = make("select", { "aria-label": "Follow a request", on: { change: (event) => {
    ladder.follow(Number(event.target.value));
    ladder.nextOfFollowed(-1, 1);
  } } }, make("option", { value: 0 }, "follow a request"),
  ...requests.map((one) => make("option", { value: one }, "#" + one)));
  const failed = ladder.rows.some((row) => row.failed);
  return make("div", { class: "tools" }, requests.length ? choice : null,
    failed ? button("what failed (f)", () => ladder.showFailed()) : null,
    button("unfold all (u)", () => ladder.unfoldAll()));
}

function drawLadder(run) {
  if (!run.ladder) {
    return [run.last ? make("pre", { class: "plain card" }, run.last) : null,
      make("p", { class: "soft" }, "This report has the ladders of runs that fail and of each ",
        "scenario's first run, as long as they are not too many. This one is drawn by: ",
        make("code", {}, `${run.again} --report run.html`))];
  }
  words = words || dataOf("words");
  ladder = new Ladder(decodeLadder(run.ladder, words, run.shared), byId("tip"));
  return [drawTools(), ladder.root, ladder.journey];
}

function drawScenario(number, chosen) {
  const file = overview.files[number];
  const data = dataOf("s" + number);
  const run = data.runs[chosen];
  const state = file.runs[chosen][1];
  const rules = overview.rules.filter((rule) => rule && isAbout(file, rule.number));
  ladder = null;
  lastSeen = "f" + number;
  byId("main").replaceChildren(...[
    make("p", { class: "way" }, make("a", { href: "#" }, "\u2190 all scenarios"),
      make("code", { class: "soft" }, file.id)),
    make("h1", {}, file.title || file.name),
    make("p", { class: "soft" }, ...rules.flatMap((rule, i) => [i === 0 ? "" : ", ",
      make("span", { title: rule.text }, `I${rule.number} ${rule.text.split(":")[0]}`)]),
    file.should ? " (as it SHOULD be)" : ""),
    drawRuns(file, chosen), drawVerdict(data, run, state),
    make("h2", {}, "Scenario"), drawText(data, run, state),
    run.output ? make("h2", {}, "Printed by the process") : null,
    run.output ? make("pre", { class: "plain card" }, run.output) : null,
    make("h2", {}, "Ladder"), ...drawLadder(run),
  ].filter((part) => part));
  document.title = `${STATES[state].mark} ${file.id} - simblk report`;
}

/* ---- getting about ---- */

function go() {
  const to = /^#\/(\d+)\/(\d+)$/.exec(location.hash);
  byId("tip").hidden = true;
  if (to && overview.files[to[1]]?.runs[to[2]]) {
    drawScenario(Number(to[1]), Number(to[2]));
    window.scrollTo(0, 0);
    byId("main").focus({ preventScroll: true });
    return;
  }
  document.title = "simblk report";
  drawList();
  const row = rowOf(lastSeen);
  if (row) {
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
  }
}

function goBeside(direction) {
  const at = /^#\/(\d+)\//.exec(location.hash);
  const files = shownFiles();
  const place = at ? files.findIndex((file) => file.number === Number(at[1])) : -1;
  const next = files[place + direction];
  if (next) location.hash = `#/${next.number}/${firstRun(next)}`;
}

function globalKey(event) {
  const typing = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  if (event.key === "Escape" && event.target === byId("filter")) byId("main").focus();
  else if (typing) return;
  else if (event.key === "/") byId("filter").focus();
  else if (event.key === "?") byId("keys").showModal();
  else if (event.key === "]" || event.key === "[") goBeside(event.key === "]" ? 1 : -1);
  else if (event.key === "Escape" && ladder && ladder.followed) ladder.follow(0);
  else if (event.key === "Escape" && location.hash.startsWith("#/")) location.hash = "";
  else if (event.key === "f" && ladder) ladder.showFailed();
  else if (event.key === "u" && ladder) ladder.unfoldAll();
  else if ((event.key === "n" || event.key === "p") && ladder && ladder.followed)
    ladder.nextOfFollowed(event.key === "n" ? -1 : Infinity, event.key === "n" ? 1 : -1);
  else if (event.key === "ArrowDown" && event.target.closest("tr, .ladder") === null) firstRow();
  else return;
  event.preventDefault();
}

function firstRow() {
  const row = document.querySelector(ladder ? ".ladder [role=listitem]" : ".matrix tbody tr");
  if (row) row.focus();
}

function begin() {
  const facts = [`frontend ${overview.frontend}`, `simblk ${overview.simblk}`];
  if (overview.strict) facts.push("SHOULD is judged, too");
  if (overview.seed !== undefined) facts.push(`seed ${overview.seed}`);
  byId("about").textContent = facts.join(" \u00b7 ");
  byId("states").append(...[-1, 0, 1, 2, 3].filter((state) => state !== 3 || overview.expected > 0)
    .map((state) => make("button", { type: "button", "aria-pressed": String(state === -1),
      "data-state": state, on: { click: (event) => {
        filter.state = state;
        for (const one of byId("states").children) one.ariaPressed = String(one === event.target);
        refilter();
      } } }, state < 0 ? "all" : STATES[state].word)));
  byId("rule").append(...overview.rules.slice(1).map((rule) =>
    make("option", { value: rule.number }, `I${rule.number} ${rule.text}`)));
  byId("rule").addEventListener("change", (event) => setRule(Number(event.target.value)));
  byId("filter").addEventListener("input", (event) => {
    filter.text = event.target.value.trim().toLowerCase();
    refilter();
  });
  byId("help").addEventListener("click", () => byId("keys").showModal());
  document.addEventListener("keydown", globalKey);
  window.addEventListener("hashchange", go);
  window.addEventListener("beforeprint", () => {
    if (ladder && ladder.rows.length <= PRINTED_ROWS) ladder.unfoldAll();
  });
  go();
}

begin();
