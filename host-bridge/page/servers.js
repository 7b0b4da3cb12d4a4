// WeChat's servers: their clock, and what backends meet; what `clock` and `servers` do on a command line.

import { controls } from './controls.js';
import { h, title } from './elements.js';
import { moment, text } from './texts.js';

/** What calls of backends can be made to fail with; any other errcode can be switched on elsewhere, and is then shown. */
const FAILURES = ['-1', '45009', '45011', '48001'];
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Moves of the clock: a code expires after the first, an access token after the second, a session after the third. */
const MOVES = { fiveMinutes: 5 * MINUTE, twoHours: 2 * HOUR, threeDays: 72 * HOUR };
/** What can be ended before its time. */
const ENDED = ['session', 'code', 'token', 'tokenReplaced'];

export function servers(root, { state, act, ask, say }) {
  const { choice, field, happening, literal, none, shows, toggle } = controls('servers', { state, ask },
    { read: () => state.servers, switches: (is) => is, set: (patch) => act('servers.set', patch) });

  const time = h('output', {});
  const back = h('button', { type: 'button', 'data-text': 'servers.computersTime', onclick: () => act('desk.clock', { ahead: 0 }) });
  const clock = h('fieldset', { class: 'modes-choice' },
    h('legend', { 'data-text': 'servers.clock' }),
    h('p', { class: 'hint', 'data-text': 'servers.clockHint' }),
    time,
    h('div', { class: 'boxes' },
      Object.entries(MOVES).map(([name, forward]) => h('button', { type: 'button', 'data-text': `servers.${name}`, onclick: () => act('desk.clock', { forward }) })),
      back));
  shows.push(({ clock: { now, ahead } }) => {
    const shown = moment(now, true);
    time.textContent = ahead > 0 ? text('servers.ahead', { time: shown, hours: Math.round(ahead / HOUR * 10) / 10 }) : text('servers.now', { time: shown });
    back.disabled = ahead === 0;
  });

  const failure = choice('failure', [none(), ...FAILURES.map(literal)], ({ failure: is }) => {
    const errcode = String(is?.errcode ?? '');
    const list = failure.querySelector('select');
    if (![...list.options].some(({ value }) => value === errcode)) list.append(literal(errcode));
    return errcode;
  }, (value) => fail(value));
  const once = h('select', { id: 'servers-times', onchange: () => {
    const { value } = failure.querySelector('select');
    if (value) fail(value);
  } },
    h('option', { value: '', 'data-text': 'servers.always' }), h('option', { value: '1', 'data-text': 'servers.once' }));
  const left = h('p', { class: 'hint' });
  const times = h('div', { class: 'row' }, h('div', {}, h('label', { for: once.id, 'data-text': 'servers.times' }), left), once);
  shows.push(({ failure: is }) => {
    const words = is && [is.times && text('servers.left', { count: is.times }), is.path].filter(Boolean).join(' · ');
    left.textContent = words || '';
  });

  function fail(errcode) {
    return act('servers.set', { failure: errcode ? { errcode: Number(errcode), ...(once.value ? { times: 1 } : {}) } : null });
  }

  const end = (what) => happening(what, null, async () => {
    const answer = await act('servers.expire', { what });
    if (answer) say(text('servers.ended', { count: answer.ended }));
  }, { again: false });

  root.append(
    title('servers'), clock, times, failure,
    field('delay', { type: 'number', min: 0, max: 600_000, step: 1 }, ({ delay }) => String(delay),
      (value) => act('servers.set', { delay: value === '' ? null : Number(value) })),
    toggle('silent'), toggle('loginRenewsKey'),
    title('servers.ends'), ...ENDED.map(end),
  );
}
