// The sensor below the screen: one button for each enrolled finger and face, one for a wrong finger, and their keys.

import { fill, h, icon } from './elements.js';
import { spoken, text } from './texts.js';

/** More would not fit below a phone; the number keys still reach them. */
const MOST_SHOWN = 12;
/** More than these are drawn smaller. */
const MOST_LARGE = 5;
/** How long a second digit is waited for, where one digit could be a whole number or the beginning of one. */
const DIGIT_PAUSE = 700;

export function sensor(root, { state, act }) {
  const pads = h('div', { class: 'pads' });
  const hint = h('p', { class: 'hint' });
  root.append(h('h2', { 'data-text': 'sensor' }), pads, hint);
  let drawn = '';

  function draw() {
    const enrolments = state.device?.biometrics.enrolments ?? [];
    const mode = state.device?.sensor;
    const waits = state.dialog !== null && state.online;
    // What was typed for a dialog that has gone is not for the next one.
    if (!waits) forget();
    hint.textContent = told(mode, enrolments);
    const shown = JSON.stringify([enrolments, spoken()]);
    if (shown !== drawn) {
      drawn = shown;
      pads.classList.toggle('many', enrolments.length > MOST_LARGE);
      fill(pads,
        enrolments.slice(0, MOST_SHOWN).map((enrolment) => pad(enrolment.number, enrolment.mode === 'facial' ? 'face' : 'finger',
          text(enrolment.mode === 'facial' ? 'sensor.face' : 'sensor.finger', enrolment), String(enrolment.number))),
        pad('wrong', 'wrong', text('sensor.wrong'), 'X'));
    }
    for (const button of pads.children) {
      // Not `disabled`: a button that the focus is on must keep it until the next dialog.
      button.setAttribute('aria-disabled', String(!waits));
    }
  }

  function pad(touch, picture, name, key) {
    return h('button', { type: 'button', class: 'pad', 'data-touch': touch, 'aria-keyshortcuts': key.length === 1 ? key : null, onclick: () => present(touch) },
      icon(picture), h('span', {}, name), h('kbd', { 'aria-hidden': 'true' }, key));
  }

  function present(touch) {
    if (state.dialog !== null) act('sensor.touch', { touch });
  }

  let typed = '';
  let timer = null;

  function forget() {
    clearTimeout(timer);
    typed = '';
  }

  /** Presents the finger of this number, at once if no other number begins with what was typed. */
  function digit(key) {
    clearTimeout(timer);
    typed += key;
    const goesOn = (state.device?.biometrics.enrolments ?? []).some(({ number }) => number > Number(typed) && String(number).startsWith(typed));
    const finish = () => {
      const number = Number(typed);
      forget();
      present(number);
    };
    if (goesOn) timer = setTimeout(finish, DIGIT_PAUSE);
    else finish();
  }

  function told(mode, enrolments) {
    if (mode === 'auto') return text('sensor.auto');
    if (mode !== undefined && mode !== 'ask') return text('sensor.script', { script: mode });
    if (state.device && enrolments.length === 0) return text('sensor.none');
    return text('sensor.hint');
  }

  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest('input, select, textarea');
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || state.dialog === null) return;
    if (typed === '' ? /^[1-9]$/.test(event.key) : /^\d$/.test(event.key)) digit(event.key);
    else if (event.key === 'x' || event.key === 'X') present('wrong');
    else if (event.key === 'Escape') act('sensor.cancel');
    else return;
    event.preventDefault();
  });
  state.addEventListener('change', draw);
  draw();
}
