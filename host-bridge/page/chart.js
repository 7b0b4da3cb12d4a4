// A small chart of calls and refusals over time.

import { h, svg } from './elements.js';
import { isRefused } from './outcomes.js';
import { moment, text } from './texts.js';

const BARS = 48;
const HEIGHT = 40;
/** The least height of a bar that stands for something. */
const LEAST_HEIGHT = 3;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** What a bar may stand for, in milliseconds; the first with which all calls fit in, or else the last. */
const STEPS = [SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR];

/** Calls and refusals of each step up to the newest call: `{step, from, to, bars: [{calls, refused}]}`. */
function count(entries) {
  const to = entries[entries.length - 1].at;
  const oldest = entries[0].at;
  const last = (step) => Math.floor(to / step);
  const step = STEPS.find((each) => last(each) - Math.floor(oldest / each) < BARS) ?? STEPS[STEPS.length - 1];
  const bars = Array.from({ length: BARS }, () => ({ calls: 0, refused: 0 }));
  for (const entry of entries) {
    // A clock that was set back puts a later call before an earlier one.
    const bar = bars[BARS - 1 - Math.max(0, last(step) - Math.floor(entry.at / step))];
    if (bar === undefined) continue;
    bar.calls += 1;
    if (isRefused(entry)) bar.refused += 1;
  }
  return { step, from: oldest, to, bars };
}

/** The picture and its caption. `draw` fills them with the calls that are given to it, from old to new. */
export function chart() {
  const picture = svg('svg', { class: 'chart-bars', viewBox: `0 0 ${BARS} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', focusable: 'false' });
  const caption = h('p', { class: 'hint chart-caption' });

  function draw(entries) {
    picture.toggleAttribute('hidden', entries.length === 0);
    caption.hidden = entries.length === 0;
    if (caption.hidden) return;
    const { step, from, to, bars } = count(entries);
    const most = Math.max(...bars.map(({ calls }) => calls));
    const height = (number) => (number === 0 ? 0 : Math.max(LEAST_HEIGHT, (number / most) * HEIGHT));
    const bar = (number, index, name) => number > 0 && svg('rect', { class: name, x: index + 0.1, width: 0.8, y: HEIGHT - height(number), height: height(number) });
    picture.replaceChildren(...bars.flatMap(({ calls, refused }, index) => [bar(calls, index, 'chart-call'), bar(refused, index, 'chart-refused')]).filter(Boolean));
    const values = { calls: entries.length, refused: entries.filter(isRefused).length, from: moment(from), to: moment(to) };
    caption.textContent = text('chart.caption', values);
    picture.setAttribute('aria-label', text('chart.described', { ...values, most, seconds: step / SECOND }));
  }

  return { picture, caption, draw };
}
