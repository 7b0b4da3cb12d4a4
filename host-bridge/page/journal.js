// The live journal: its calls searched, listed and opened.

import { Calls } from './calls.js';
import { chart } from './chart.js';
import { fill, h, labelled, visible } from './elements.js';
import { showEntry } from './entry.js';
import { explainAnswer, explainReason } from './meanings.js';
import { isRefused, outcome } from './outcomes.js';
import { moment, text } from './texts.js';

/** The height of a line of the list, in pixels; the same as in the style sheet. */
const LINE = 52;
/** From this width on there is room for a call next to the list; the same as in the style sheet. */
const WIDE = '(min-width: 1240px)';

const FILTERS = {
  all: () => true,
  wechat: ({ door }) => door === 'weChat',
  rpc: ({ door }) => door === 'rpc',
  refused: isRefused,
};

/** What the code next to a call means. */
function meaningOf({ judgement, answer }) {
  return (judgement ? explainReason(judgement.reason) : explainAnswer(answer))?.meaning;
}

/** Text to search in, made once for each call. */
const searched = new WeakMap();
function searchText(entry) {
  let found = searched.get(entry);
  if (found === undefined) {
    found = JSON.stringify(entry).toLowerCase();
    searched.set(entry, found);
  }
  return found;
}

export function journal(root, { bridge, say, fail, diagnose }) {
  const calls = new Calls(bridge);
  const search = h('input', { type: 'search', id: 'journal-search', oninput: later, autocomplete: 'off', spellcheck: false });
  const filter = h('select', { id: 'journal-filter', onchange: searchAnew },
    Object.keys(FILTERS).map((name) => h('option', { value: name, 'data-text': `journal.${name}` })));
  const count = h('p', { class: 'hint', id: 'journal-count' });
  const spacer = h('div', { class: 'spacer' });
  const lines = h('div', { class: 'lines', role: 'presentation' });
  const empty = h('p', { class: 'empty' });
  const overTime = chart();
  const list = h('div', { class: 'list-box', role: 'listbox', tabIndex: 0, 'data-label': 'journal.list', 'aria-describedby': 'journal-count journal-keys' }, spacer, lines);
  const older = h('button', { type: 'button', class: 'older', 'data-text': 'journal.older', onclick: () => calls.older().catch(fail) });
  const detail = h('div', { class: 'entry' });
  const body = h('div', { class: 'journal-body' }, h('div', { class: 'journal-list' }, empty, list, older), detail);
  root.append(
    h('div', { class: 'tools' },
      labelled(search, 'journal.search', 'stack grow'),
      labelled(filter, 'journal.filter'),
      h('button', { type: 'button', 'data-text': 'journal.export', onclick: save })),
    overTime.picture, h('div', { class: 'numbers' }, count, overTime.caption), h('p', { class: 'visually-hidden', id: 'journal-keys', 'data-text': 'journal.keys' }), body);

  /** What fits the search, the newest first. */
  let shown = [];
  /** The lines that are in the document, by their calls. */
  let drawn = new Map();
  /** The number of the call that is open. */
  let chosen = null;
  /** Whether somebody has chosen it. Otherwise, where there is room, it is the newest that was refused. */
  let isPinned = false;
  /** What an empty detail pane says. */
  let said = null;
  /** Where the list was when a call took its place. */
  let scrolledTo = 0;
  let timer = null;
  const wide = window.matchMedia(WIDE);

  function later() {
    clearTimeout(timer);
    timer = setTimeout(searchAnew, 120);
  }

  function searchAnew() {
    list.scrollTop = 0;
    match();
  }

  function match() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = FILTERS[filter.value];
    const all = words.length === 0 && filter.value === 'all';
    const top = list.scrollTop;
    const topmost = top > 0 ? shown[Math.floor(top / LINE)] : undefined;
    shown = [];
    for (let index = calls.entries.length - 1; index >= 0; index -= 1) {
      const entry = calls.entries[index];
      if (all || (!entry.gap && fits(entry) && words.every((word) => searchText(entry).includes(word)))) shown.push(entry);
    }
    spacer.style.height = `${shown.length * LINE}px`;
    // After scrolling down, the same calls stay in view while new ones come above, and older ones below.
    const place = topmost === undefined ? -1 : shown.findIndex(({ number }) => number <= topmost.number);
    if (place >= 0) list.scrollTop = place * LINE + (top % LINE);
    draw();
  }

  function draw() {
    const isCall = ({ gap }) => gap === undefined;
    const all = calls.entries.filter(isCall);
    const loaded = all.length;
    overTime.draw(all);
    count.textContent = text('journal.count', { shown: shown.filter(isCall).length, loaded });
    older.hidden = !calls.hasOlder;
    list.hidden = shown.length === 0;
    empty.hidden = shown.length > 0;
    empty.textContent = loaded === 0 ? text('journal.empty') : text('journal.noMatch');
    drawLines();
    if (!isPinned) openNewestRefused(loaded);
  }

  /** Opens the newest refused call of those that are shown, where that hides no list, or says why it does not. */
  function openNewestRefused(loaded) {
    const newest = wide.matches ? shown.find((entry) => !entry.gap && isRefused(entry)) : undefined;
    if (newest) {
      if (newest.number !== chosen) layCallOpen(newest);
      return;
    }
    const words = text(loaded === 0 ? 'journal.pickNone' : shown.length === 0 ? 'journal.noMatch' : 'journal.pick');
    if (chosen === null && said === words) return;
    chosen = null;
    said = words;
    body.classList.remove('entry-open');
    fill(detail, h('p', { class: 'empty' }, words));
    drawLines();
  }

  /** Only what can be seen is in the document, and a little around it. */
  function drawLines() {
    const first = Math.max(0, Math.floor(list.scrollTop / LINE) - 4);
    const end = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / LINE) + 4);
    lines.style.transform = `translateY(${first * LINE}px)`;
    const kept = drawn;
    drawn = new Map();
    lines.replaceChildren(...shown.slice(first, end).map((entry, offset) => {
      const line = kept.get(entry) ?? (entry.gap ? gapLine(entry) : callLine(entry));
      drawn.set(entry, line);
      line.setAttribute('aria-posinset', first + offset + 1);
      line.setAttribute('aria-setsize', shown.length);
      line.setAttribute('aria-selected', String(entry.number === chosen));
      return line;
    }));
    const isThere = lines.querySelector(`[data-number="${chosen}"]`);
    if (isThere) list.setAttribute('aria-activedescendant', isThere.id);
    else list.removeAttribute('aria-activedescendant');
  }

  function callLine(entry) {
    const told = outcome(entry);
    return h('div', { class: 'line', role: 'option', id: `call-${entry.number}`, 'data-number': entry.number, onclick: () => choose(entry, true) },
      h('span', { class: 'call', title: visible(entry.call) }, visible(entry.call)),
      h('span', { class: 'when' }, moment(entry.at)),
      told ? h('span', { class: `chip ${isRefused(entry) ? 'bad' : 'good'}`, title: meaningOf(entry) ?? told }, told) : null);
  }

  function gapLine({ gap, number }) {
    return h('div', { class: 'line gap', role: 'option', id: `gap-${number}`, 'aria-disabled': 'true', 'data-number': number }, text('journal.gap', { count: gap }));
  }

  function layCallOpen(entry) {
    if (entry.number !== chosen) detail.scrollTop = 0;
    chosen = entry.number;
    said = null;
    showEntry(detail, entry, { bridge, say, close, diagnose });
    drawLines();
  }

  /** Opens the call that somebody has chosen. Where there is no room next to the list, it takes the list's place only if `goes` there. */
  function choose(entry, goes = false) {
    isPinned = true;
    const top = list.scrollTop;
    body.classList.toggle('entry-open', goes);
    layCallOpen(entry);
    // The focus does not stay on a list that has gone.
    if (goes && list.offsetParent === null) {
      scrolledTo = top;
      detail.querySelector('.back').focus();
    }
  }

  function close() {
    body.classList.remove('entry-open');
    list.scrollTop = scrolledTo;
    drawLines();
    list.focus();
  }

  list.addEventListener('scroll', () => requestAnimationFrame(drawLines));
  list.addEventListener('keydown', (event) => {
    const at = shown.findIndex(({ number }) => number === chosen);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1, PageDown: at + 10, PageUp: at - 10 }[event.key];
    if (event.key === 'Enter' && at >= 0) {
      // Or it would press what the focus goes to.
      event.preventDefault();
      choose(shown[at], true);
      if (list.offsetParent !== null) detail.querySelector('h3').focus();
    }
    if (to === undefined || shown.length === 0) return;
    event.preventDefault();
    let index = Math.min(Math.max(to, 0), shown.length - 1);
    // A gap is passed over, in the direction in which somebody goes.
    if (shown[index].gap) index += to < at ? -1 : 1;
    if (shown[index] === undefined) return;
    const top = index * LINE;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + LINE > list.scrollTop + list.clientHeight) list.scrollTop = top + LINE - list.clientHeight;
    choose(shown[index]);
  });
  new ResizeObserver(drawLines).observe(list);
  // A call that opened by itself stays when somebody reads it.
  for (const event of ['pointerdown', 'wheel', 'focusin']) detail.addEventListener(event, () => { isPinned = chosen !== null; }, { passive: true });
  wide.addEventListener('change', match);

  async function save() {
    try {
      const all = await calls.all();
      const url = URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)], { type: 'application/json' }));
      h('a', { href: url, download: 'soter-sim-journal.json' }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      say(text('exported', { count: all.length }));
    } catch (error) {
      fail(error);
    }
  }

  function speak() {
    search.placeholder = text('journal.searchHint');
    drawn.clear();
    showChosen();
    match();
    calls.speak();
  }

  function showChosen() {
    const entry = calls.entries.find(({ number }) => number === chosen);
    if (entry) layCallOpen(entry);
  }

  calls.addEventListener('change', match);
  calls.addEventListener('forgotten', () => { isPinned = false; });
  calls.addEventListener('reworded', showChosen);
  search.placeholder = text('journal.searchHint');
  match();
  return { speak };
}
