// The phone's troubles, as switches; what `device set` and `sensor` do on a command line.

import { controls, hasFocus } from './controls.js';
import { h, title } from './elements.js';

/** What an authentication can be made to fail with, once; also 90005, which phones do not give by themselves. */
const FAILURES = [90001, 90002, 90003, 90004, 90005, 90007, 90008, 90009, 90010, 90011];
/** The texts of 90007. */
const INTERNAL_ERRORS = ['auth key update error', 'auth key generate failed', 'auth key can not be retrieved', 'start fingerprint authen failed', 'authenticate error: 5'];
/** The texts that a user says about themselves. */
const USER_TEXTS = ['nickName', 'language', 'city', 'province', 'country', 'avatarUrl'];
const MODES = ['fingerPrint', 'facial', 'speech'];

export function settings(root, { state, act, ask }) {
  const set = (patch) => act('device.set', patch);
  const { choice, field, happening, literal, none, shows, toggle } = controls('settings', { state, ask },
    { read: () => state.device, switches: (device) => device.settings, set });

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

  /**
   * Changes one member of what the user says about themselves; without any, all are as configured. A change begins after the
   * one before, because both send all members.
   */
  let said = Promise.resolve();
  const say = (name, value) => {
    said = said.then(async () => {
      const { [name]: _, ...others } = state.device.settings.userData ?? {};
      const all = value === null ? others : { ...others, [name]: value };
      state.device = (await set({ userData: Object.keys(all).length > 0 ? all : null })) ?? state.device;
    });
    return said;
  };

  root.append(
    who, script,
    toggle('support'), toggle('permission'), modes, toggle('reportNotEnrolled'), toggle('reportFaceAsFinger'), toggle('malformedCrl'),
    choice('internalError', [none(), ...INTERNAL_ERRORS.map(literal)], ({ settings: is }) => is.internalError ?? '',
      (value) => set({ internalError: value || null })),
    choice('failNext', [none(), ...FAILURES.map(literal)], ({ settings: is }) => String(is.failNext ?? ''),
      (value) => set({ failNext: value ? Number(value) : null })),
    choice('secondCall', ['refuse', 'queue'].map((value) => h('option', { value, 'data-text': `settings.secondCall.${value}` })),
      ({ settings: is }) => is.secondCall, (value) => set({ secondCall: value })),
    field('latency', { type: 'number', min: 0, max: 60_000, step: 1 }, ({ settings: is }) => String(is.latency),
      (value) => set({ latency: value === '' ? null : Number(value) })),
    choice('loginFailure', [none(), ...['fail', 'timeout'].map((value) => h('option', { value, 'data-text': `settings.loginFailure.${value}` }))],
      ({ settings: is }) => is.loginFailure ?? '', (value) => set({ loginFailure: value || null })),
    field('user', { maxLength: 64, autocomplete: 'off', spellcheck: false }, ({ settings: is }) => is.user ?? '',
      (value) => set({ user: value.trim() || null })),
    toggle('userInfoPermission'), toggle('anonymousUser'),
    title('settings.userData'),
    h('p', { class: 'hint', 'data-text': 'settings.userDataHint' }),
    choice('gender', [none(), ...['0', '1', '2'].map((value) => h('option', { value, 'data-text': `settings.gender.${value}` }))],
      ({ settings: is }) => String(is.userData?.gender ?? ''), (value) => say('gender', value === '' ? null : Number(value)), { hint: false }),
    ...USER_TEXTS.map((name) => field(name, { maxLength: 512, autocomplete: 'off', spellcheck: false },
      ({ settings: is }) => is.userData?.[name] ?? '', (value) => say(name, value || null), { hint: false })),
    title('settings.events'),
    happening('upgrade', null, () => set({ systemUpgrade: true })),
    happening('reset', 'danger', () => act('device.resetNormalWorld')),
  );
}
