// The phone's troubles, as switches; what `device set` and `sensor` do on a command line.

import { fill, h, write } from './elements.js';
import { text } from './texts.js';

/** What an authentication can be made to fail with, once; 90005 is never seen, since a longer text is replaced. */
const FAILURES = [90001, 90002, 90003, 90004, 90005, 90007, 90008, 90009, 90010, 90011];
/** The texts of 90007. */
const INTERNAL_ERRORS = ['auth key update error', 'auth key generate failed', 'auth key can not be retrieved', 'start fingerprint authen failed', 'authenticate error: 5'];
const MODES = ['fingerPrint', 'facial', 'speech'];
/** A person who is typing is not disturbed by what is read meanwhile. */
const isTyped = (field) => document.activeElement === field;

export function settings(root, { state, act, ask }) {
  const set = (patch) => act('device.set', patch);
  const parts = [];
  /** A row with its words, its control, and how the control shows what is set. */
  const row = (name, control, show, { hint = false, around = control } = {}) => {
    const id = `setting-${name}`;
    control.id = id;
    const label = h('label', { for: id, id: `${id}-label` });
    const explained = hint && h('p', { class: 'hint', id: `${id}-hint` });
    if (hint) control.setAttribute('aria-describedby', `${id}-hint`);
    parts.push(() => {
      write(label, text(`settings.${name}`));
      if (hint) write(explained, text(`settings.${name}Hint`));
      if (state.device) show(state.device);
    });
    return h('div', { class: 'row' }, h('div', {}, label, explained), around);
  };
  const toggle = (name) => {
    const control = h('button', { type: 'button', class: 'switch', role: 'switch',
      onclick: () => set({ [name]: control.getAttribute('aria-checked') !== 'true' }) }, h('span', {}));
    return row(name, control, ({ settings: is }) => control.setAttribute('aria-checked', String(is[name])), { hint: true });
  };
  const choice = (name, values, words, show, change, hint) => {
    // A list that somebody has opened is left alone, until something else is set or another language is spoken.
    let drawn = '';
    let chosen = null;
    const control = h('select', { onchange: async () => {
      await change(control.value);
      // What was refused is not shown as chosen.
      chosen = null;
      state.draw();
    } });
    parts.push(() => {
      const options = values.map((value) => [value, words(value)]);
      if (drawn === options.join()) return;
      drawn = options.join();
      chosen = null;
      fill(control, options.map(([value, shown]) => h('option', { value }, shown)));
    });
    return row(name, control, (device) => {
      const value = show(device);
      if (value === chosen) return;
      chosen = value;
      control.value = value;
    }, { hint });
  };
  /** A field that is set by Enter or by its button. */
  const field = (name, properties, show, change) => {
    const input = h('input', properties);
    const button = h('button', { type: 'submit', 'aria-describedby': `setting-${name}-label` });
    const form = h('form', { class: 'field', onsubmit: (event) => { event.preventDefault(); change(input.value); } }, input, button);
    parts.push(() => write(button, text('settings.save')));
    return row(name, input, (device) => { if (!isTyped(input)) input.value = show(device); }, { hint: true, around: form });
  };
  const none = () => text('settings.none');

  const script = field('script', { maxLength: 4000, autocomplete: 'off', spellcheck: false },
    ({ sensor }) => (sensor === 'ask' || sensor === 'auto' ? '' : sensor),
    (value) => act('sensor.setMode', { mode: value }));
  const isWritten = () => isTyped(script.querySelector('input'));
  const mode = ({ sensor }) => (!isWritten() && (sensor === 'ask' || sensor === 'auto') ? sensor : 'script');
  const who = choice('sensor', ['ask', 'auto', 'script'], (value) => text(`sensor.mode.${value}`), mode,
    (value) => {
      script.hidden = value !== 'script';
      if (value === 'script') script.querySelector('input').focus();
      else return act('sensor.setMode', { mode: value });
      return undefined;
    });
  parts.push(() => {
    if (state.device) script.hidden = mode(state.device) !== 'script';
  });

  const modes = h('fieldset', { class: 'modes-choice' });
  const modesTitle = h('legend', {});
  const profileModes = () => state.profiles.find(({ name }) => name === state.device?.profile)?.modes ?? [];
  const boxes = MODES.map((name) => h('input', { type: 'checkbox', value: name,
    onchange: () => set({ modes: boxes.filter(({ checked }) => checked).map(({ value }) => value) }) }));
  const boxWords = MODES.map(() => h('span', {}));
  const byProfile = h('button', { type: 'button', onclick: () => set({ modes: null }) });
  modes.append(modesTitle, h('div', { class: 'boxes' }, boxes.map((box, index) => h('label', {}, box, boxWords[index]))), byProfile);
  parts.push(() => {
    write(modesTitle, text('settings.modes'));
    write(byProfile, text('settings.modesDefault'));
    const isDefault = state.device?.settings.modes === null;
    if (isDefault && isTyped(byProfile)) boxes[0].focus();
    byProfile.hidden = isDefault;
    boxWords.forEach((words, index) => write(words, text(`mode.${MODES[index]}`)));
    const shown = state.device?.settings.modes ?? profileModes();
    boxes.forEach((box) => { box.checked = shown.includes(box.value); });
  });

  const upgrade = h('button', { type: 'button', onclick: () => ask(upgrade, () => set({ systemUpgrade: true })) });
  const reset = h('button', { type: 'button', class: 'danger', onclick: () => ask(reset, () => act('device.resetNormalWorld')) });
  const happens = h('h3', {});
  const happening = [[upgrade, 'upgrade'], [reset, 'reset']].map(([button, name]) => {
    const hint = h('p', { class: 'hint' });
    parts.push(() => {
      if (!button.dataset.asks) write(button, text(`settings.${name}`));
      write(hint, text(`settings.${name}Hint`));
    });
    return h('div', { class: 'row' }, hint, button);
  });
  parts.push(() => write(happens, text('settings.events')));

  root.append(
    who, script,
    toggle('support'), toggle('permission'), modes, toggle('reportNotEnrolled'), toggle('reportFaceAsFinger'),
    choice('internalError', ['', ...INTERNAL_ERRORS], (value) => value || none(), ({ settings: is }) => is.internalError ?? '',
      (value) => set({ internalError: value || null }), true),
    choice('failNext', ['', ...FAILURES.map(String)], (value) => value || none(), ({ settings: is }) => String(is.failNext ?? ''),
      (value) => set({ failNext: value ? Number(value) : null }), true),
    field('latency', { type: 'number', min: 0, max: 60_000, step: 1 }, ({ settings: is }) => String(is.latency),
      (value) => set({ latency: value === '' ? null : Number(value) })),
    field('user', { maxLength: 64, autocomplete: 'off', spellcheck: false }, ({ settings: is }) => is.user ?? '',
      (value) => set({ user: value.trim() || null })),
    happens, ...happening,
  );
  const draw = () => parts.forEach((part) => part());
  state.addEventListener('change', draw);
  draw();
}
