// The phone's troubles, as switches; what `device set` and `sensor` do on a command line.

import { h, title } from './elements.js';

/** What an authentication can be made to fail with, once; also 90005, which phones do not give by themselves. */
const FAILURES = [90001, 90002, 90003, 90004, 90005, 90007, 90008, 90009, 90010, 90011];
/** The texts of 90007. */
const INTERNAL_ERRORS = ['auth key update error', 'auth key generate failed', 'auth key can not be retrieved', 'start fingerprint authen failed', 'authenticate error: 5'];
const MODES = ['fingerPrint', 'facial', 'speech'];
/** A person who is typing is not disturbed by what is read meanwhile. */
const hasFocus = (element) => document.activeElement === element;

export function settings(root, { state, act, ask }) {
  const set = (patch) => act('device.set', patch);
  /** How each control shows what is set on a phone. */
  const shows = [];
  /** A row with its words, its control, and how the control shows what is set. */
  const row = (name, control, show, { hint = true, around = control } = {}) => {
    const id = `setting-${name}`;
    control.id = id;
    if (hint) control.setAttribute('aria-describedby', `${id}-hint`);
    shows.push(show);
    return h('div', { class: 'row' },
      h('div', {},
        h('label', { for: id, id: `${id}-label`, 'data-text': `settings.${name}` }),
        hint && h('p', { class: 'hint', id: `${id}-hint`, 'data-text': `settings.${name}Hint` })),
      around);
  };
  const toggle = (name) => {
    const control = h('button', { type: 'button', class: 'switch', role: 'switch',
      onclick: () => set({ [name]: control.getAttribute('aria-checked') !== 'true' }) }, h('span', {}));
    return row(name, control, ({ settings: is }) => control.setAttribute('aria-checked', String(is[name])));
  };
  const choice = (name, options, show, change, { hint = true } = {}) => {
    // A list that somebody has opened is left alone, until something else is set.
    let chosen = null;
    const control = h('select', { onchange: async () => {
      await change(control.value);
      // What was refused is not shown as chosen.
      chosen = null;
      state.draw();
    } }, options);
    return row(name, control, (device) => {
      const value = show(device);
      if (value === chosen) return;
      chosen = value;
      control.value = value;
    }, { hint });
  };
  const literal = (value) => h('option', { value }, value);
  const none = () => h('option', { value: '', 'data-text': 'settings.none' });
  /** A field that is set by Enter or by its button. */
  const field = (name, properties, show, change) => {
    const input = h('input', properties);
    const button = h('button', { type: 'submit', 'aria-describedby': `setting-${name}-label`, 'data-text': 'settings.save' });
    const form = h('form', { class: 'field', onsubmit: (event) => { event.preventDefault(); change(input.value); } }, input, button);
    return row(name, input, (device) => { if (!hasFocus(input)) input.value = show(device); }, { around: form });
  };

  const script = field('script', { maxLength: 4000, autocomplete: 'off', spellcheck: false },
    ({ sensor }) => (sensor === 'ask' || sensor === 'auto' ? '' : sensor),
    (value) => act('sensor.setMode', { mode: value }));
  const scriptField = script.querySelector('input');
  const mode = ({ sensor }) => (!hasFocus(scriptField) && (sensor === 'ask' || sensor === 'auto') ? sensor : 'script');
  const who = choice('sensor', ['ask', 'auto', 'script'].map((value) => h('option', { value, 'data-text': `sensor.mode.${value}` })), mode,
    async (value) => {
      script.hidden = value !== 'script';
      if (value === 'script') scriptField.focus();
      else await act('sensor.setMode', { mode: value });
    }, { hint: false });
  shows.push((device) => { script.hidden = mode(device) !== 'script'; });

  const boxes = MODES.map((name) => h('input', { type: 'checkbox', value: name,
    onchange: () => set({ modes: boxes.filter(({ checked }) => checked).map(({ value }) => value) }) }));
  const byProfile = h('button', { type: 'button', 'data-text': 'settings.modesDefault', onclick: () => set({ modes: null }) });
  const modes = h('fieldset', { class: 'modes-choice' },
    h('legend', { 'data-text': 'settings.modes' }),
    h('div', { class: 'boxes' }, boxes.map((box) => h('label', {}, box, h('span', { 'data-text': `mode.${box.value}` })))),
    byProfile);
  shows.push(({ settings: { modes: chosen } }) => {
    if (chosen === null && hasFocus(byProfile)) boxes[0].focus();
    byProfile.hidden = chosen === null;
    const shown = chosen ?? state.familyModes;
    boxes.forEach((box) => { box.checked = shown.includes(box.value); });
  });

  /** Something that happens to the phone at once, and cannot be undone. */
  const happening = (name, style, action) => {
    const button = h('button', { type: 'button', class: style, 'data-text': `settings.${name}`, onclick: () => ask(button, action) });
    return h('div', { class: 'row' }, h('p', { class: 'hint', 'data-text': `settings.${name}Hint` }), button);
  };

  root.append(
    who, script,
    toggle('support'), toggle('permission'), modes, toggle('reportNotEnrolled'), toggle('reportFaceAsFinger'),
    choice('internalError', [none(), ...INTERNAL_ERRORS.map(literal)], ({ settings: is }) => is.internalError ?? '',
      (value) => set({ internalError: value || null })),
    choice('failNext', [none(), ...FAILURES.map(literal)], ({ settings: is }) => String(is.failNext ?? ''),
      (value) => set({ failNext: value ? Number(value) : null })),
    field('latency', { type: 'number', min: 0, max: 60_000, step: 1 }, ({ settings: is }) => String(is.latency),
      (value) => set({ latency: value === '' ? null : Number(value) })),
    field('user', { maxLength: 64, autocomplete: 'off', spellcheck: false }, ({ settings: is }) => is.user ?? '',
      (value) => set({ user: value.trim() || null })),
    title('settings.events'),
    happening('upgrade', null, () => set({ systemUpgrade: true })),
    happening('reset', 'danger', () => act('device.resetNormalWorld')),
  );
  state.addEventListener('change', () => state.device && shows.forEach((show) => show(state.device)));
}
