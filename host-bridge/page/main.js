// The device page: puts its parts together.
//
//   bridge (WebSocket, journal) ──> state (what is known of the phones) ──> phone, sensor, settings, servers, keys, desk
//                               └─> journal, diagnosis
//
// Every part draws itself from the state and changes nothing but by calling the server, so that the page, the REPL and a
// test suite may all work on the same phone.

import { Bridge, Offline } from './bridge.js';
import { desk, picker } from './desk.js';
import { diagnosis } from './diagnosis.js';
import { h, visible } from './elements.js';
import { journal } from './journal.js';
import { keys } from './keys.js';
import { phone } from './phone.js';
import { servers } from './servers.js';
import { settings } from './settings.js';
import { State } from './state.js';
import { languageTag, remember, remembered, speak, spoken, text, translate, withLang } from './texts.js';

const byId = (id) => document.getElementById(id);
/** How long a message stays. */
const SHOWN = 6000;
/** Longer for what takes some reading or thinking: what went wrong, and a question. */
const SHOWN_LONGER = 20_000;
/** Messages that are on the page at once. */
const MOST_SHOWN = 4;

const bridge = new Bridge();
const state = new State(bridge);

/** Shows a message for a while; the same one is not shown twice at once. */
function say(...lines) {
  show(SHOWN, lines, languageTag());
}

/** Says what was not carried out, and what to do. */
function fail(error) {
  if (error instanceof Offline) say(text('offline.notSent'));
  else {
    const { what, next, lang } = withLang(error);
    show(SHOWN_LONGER, [what ?? error.message, next], lang);
  }
}

function show(time, lines, lang) {
  const told = lines.filter(Boolean).map(visible);
  const shown = [...byId('toasts').children];
  if (shown.some((toast) => toast.dataset.told === told.join('\n'))) return;
  if (shown.length >= MOST_SHOWN) shown[0].remove();
  const toast = h('div', { class: 'toast', 'data-told': told.join('\n'), onclick: () => toast.remove() }, told.map((line) => h('p', { lang }, line)));
  byId('toasts').append(toast);
  // Somebody is still reading it.
  const end = () => (toast.matches(':hover') ? setTimeout(end, SHOWN) : toast.remove());
  setTimeout(end, time);
}

/** Methods that are about the desk: they name the phone they mean, if any. */
const OF_THE_DESK = ['device.create', 'device.remove', 'device.select', 'desk.clock', 'desk.reset', 'servers.set'];

/** Calls a method for the selected phone. Gives its answer, or `undefined` after saying what went wrong. */
async function act(method, params = {}) {
  try {
    return await bridge.call(method, OF_THE_DESK.includes(method) ? params : { ...params, device: state.selected });
  } catch (error) {
    fail(error);
    return undefined;
  }
}

/** The buttons that ask, with what takes their questions back. */
const questions = new Map();

/** Asks again at the button itself before something is done that cannot be undone. */
function ask(button, action) {
  if (questions.has(button)) {
    questions.get(button)();
    action();
    return;
  }
  const words = button.textContent;
  button.textContent = text('sure', { what: words });
  // For the lists, which are not drawn again around a question.
  button.dataset.asks = '';
  // Not every screen reader says that the button under the focus has another name.
  byId('asked').textContent = button.textContent;
  const takeBack = () => {
    clearTimeout(timer);
    button.removeEventListener('blur', takeBack);
    questions.delete(button);
    delete button.dataset.asks;
    button.textContent = words;
    state.draw();
  };
  const timer = setTimeout(takeBack, SHOWN_LONGER);
  button.addEventListener('blur', takeBack);
  questions.set(button, takeBack);
}

/** Shows why the signature of a call is not valid. */
function diagnose(entry) {
  open('diagnosis');
  why.diagnose(entry);
}

const parts = { bridge, state, act, ask, say, fail, diagnose };
phone(byId('phone'), parts);
picker(byId('device'), parts);
const log = journal(byId('tab-journal'), parts);
const why = diagnosis(byId('tab-diagnosis'), parts);
settings(byId('tab-settings'), parts);
servers(byId('tab-settings'), parts);
keys(byId('tab-keys'), parts);
desk(byId('tab-desk'), parts);

// --- Tabs --------------------------------------------------------------------------------------------------------------

const TABS = ['journal', 'diagnosis', 'settings', 'keys', 'desk'];
const tabs = TABS.map((name) => h('button', {
  type: 'button', role: 'tab', id: `choose-${name}`, 'aria-controls': `tab-${name}`, 'data-text': `tab.${name}`, onclick: () => open(name),
}));
byId('tabs').append(...tabs);
byId('tabs').addEventListener('keydown', ({ key }) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (step === undefined) return;
  const next = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
  tabs[next].focus();
  open(TABS[next]);
});

function open(name) {
  TABS.forEach((other, index) => {
    byId(`tab-${other}`).hidden = other !== name;
    tabs[index].setAttribute('aria-selected', String(other === name));
    tabs[index].tabIndex = other === name ? 0 : -1;
  });
}
open('journal');

// --- Language and colours ------------------------------------------------------------------------------------------------

byId('language').value = spoken();
byId('language').addEventListener('change', ({ target }) => {
  questions.forEach((takeBack) => takeBack());
  speak(target.value);
  bridge.speak();
  log.speak();
  why.speak();
  // What is kept while it says the same says something else now.
  document.querySelectorAll('[data-shown]').forEach((element) => { delete element.dataset.shown; });
  connection();
  showFailure(shownFailure);
  state.draw();
});
const THEME = 'soter-sim.theme';
const systemIsDark = window.matchMedia('(prefers-color-scheme: dark)');
const paint = () => {
  const chosen = byId('theme').value;
  document.documentElement.dataset.theme = chosen === 'auto' ? (systemIsDark.matches ? 'dark' : 'light') : chosen;
};
byId('theme').value = remembered(THEME) ?? 'auto';
paint();
byId('theme').addEventListener('change', ({ target }) => {
  remember(THEME, target.value);
  paint();
});
systemIsDark.addEventListener('change', paint);

// --- The connection ------------------------------------------------------------------------------------------------------

function connection() {
  const place = byId('connection');
  place.className = `connection ${bridge.online ? 'good' : 'bad'}`;
  place.firstElementChild.textContent = bridge.online ? text('online') : text('offline', { host: window.location.host });
}
bridge.addEventListener('online', connection);
bridge.addEventListener('offline', connection);
/** Why the servers accept nothing; `undefined` while they work. */
let shownFailure;
function showFailure(failure) {
  shownFailure = failure;
  const place = byId('failure');
  place.hidden = !failure;
  const { error, next, lang } = failure ? withLang(failure) : {};
  place.replaceChildren(...(failure ? [
    h('p', {}, h('strong', { 'data-text': 'failure' }, text('failure')), ' ', h('span', { lang }, visible(error))),
    h('p', { lang }, visible(next)),
  ] : []));
}
bridge.addEventListener('online', async () => {
  const answer = await fetch(`/health?lang=${languageTag()}`).catch(() => undefined);
  if (answer) showFailure(answer.ok ? undefined : await answer.json());
});
state.addEventListener('happened', ({ detail }) => {
  if (detail.event === 'notice') say(detail.text);
  if (detail.event === 'ledgerFailed') showFailure(detail);
  if (detail.event === 'ledgerRecovered') showFailure(undefined);
});
translate();
connection();
