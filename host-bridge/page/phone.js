// The phone's screen: the authentication dialog, lockouts, and how the last authentication ended.

import { fill, h, icon } from './elements.js';
import { sensor } from './sensor.js';
import { moment, text } from './texts.js';

export function phone(root, { bridge, state, act }) {
  const clock = h('span', { class: 'clock' });
  const name = h('span', { class: 'name' });
  const elsewhere = h('div', { class: 'elsewhere' });
  const banner = h('div', { class: 'banner', hidden: true });
  const screen = h('div', { class: 'screen' });
  // What happens is said once, by the words that a person would read.
  const said = h('p', { class: 'hidden', role: 'alert' });
  const touches = h('div', { class: 'touches' });
  root.append(
    elsewhere,
    h('div', { class: 'frame' }, h('div', { class: 'status' }, clock, name), h('div', { class: 'glass' }, banner, screen, said), touches),
  );
  sensor(touches, { bridge, state, act });

  function draw() {
    const { device, dialog } = state;
    clock.textContent = device ? moment(device.clock).slice(0, 5) : '';
    name.textContent = device ? `${device.name} · ${device.profile}` : '';
    root.classList.toggle('away', !state.online);
    drawElsewhere();
    drawBanner();
    const shown = dialog ? `dialog ${dialog.number}` : `idle ${state.online} ${state.device !== null} ${JSON.stringify(state.last)}`;
    // What is on the screen stays while it says the same, so that the focus stays where it is.
    if (screen.dataset.shown !== shown) {
      const hadDialog = screen.dataset.shown?.startsWith('dialog');
      screen.dataset.shown = shown;
      fill(screen, dialog ? dialogSheet(dialog) : idle());
      if (dialog) said.textContent = text('dialog.opened', { content: dialog.authContent });
      else if (hadDialog) said.textContent = lastWords();
    }
    if (dialog) drawMessage(dialog);
  }

  function drawElsewhere() {
    const names = [...state.waitsElsewhere].slice(0, 3);
    if (elsewhere.dataset.names === names.join()) return;
    elsewhere.dataset.names = names.join();
    fill(elsewhere, names.map((device) => h('p', { role: 'status' }, `${text('waits.elsewhere', { device })} `,
      h('button', { type: 'button', onclick: () => act('device.select', { name: device }) }, text('waits.go', { device })))));
  }

  /** What is locked, counted down from what was read. */
  function drawBanner() {
    const since = performance.now() - state.readAt;
    const lockouts = (state.device?.biometrics.lockouts ?? []).map((lockout) => ({
      ...lockout, remainingMs: lockout.remainingMs === undefined ? 0 : Math.max(0, lockout.remainingMs - since),
    }));
    const locked = lockouts.filter(({ permanent, remainingMs }) => permanent || remainingMs > 0);
    banner.hidden = locked.length === 0;
    const told = locked.map(({ mode, permanent, remainingMs }) => {
      const seconds = Math.ceil(remainingMs / 1000);
      return `${text(`mode.${mode}`)}: ${permanent ? text('locked.permanent') : text('locked.timed', { seconds })}`;
    }).join(' · ');
    if (banner.dataset.told === told) return;
    banner.dataset.told = told;
    const button = banner.querySelector('button')
      ?? h('button', { type: 'button', onclick: () => act('biometric.unlock') });
    button.textContent = text('unlock');
    fill(banner, icon('lock'), h('span', {}, told), button);
  }

  function idle() {
    return h('div', { class: 'idle' },
      lastCard(),
      h('h2', {}, text('idle.title')),
      h('p', {}, text('idle.text')),
      h('button', { type: 'button', class: 'strong', disabled: !state.online || state.device === null, onclick: tryIt }, icon('pay'), text('idle.try')));
  }

  /** An authentication as a mini program would ask for it, of what the phone can do. */
  function tryIt() {
    const { device } = state;
    const family = state.profiles.find(({ name: profile }) => profile === device?.profile);
    act('wx.startSoterAuthentication', {
      requestAuthModes: device?.settings.modes ?? family?.modes ?? ['fingerPrint'],
      challenge: `demo-${Date.now()}`,
      authContent: text('idle.content'),
    });
  }

  function dialogSheet({ authContent, challenge, modes }) {
    return h('div', { class: 'sheet', role: 'dialog', 'aria-labelledby': 'dialog-content', 'aria-describedby': 'dialog-message' },
      h('p', { class: 'kind' }, text('dialog.title')),
      h('h2', { id: 'dialog-content' }, authContent),
      h('div', { class: 'modes' }, modes.map((mode) => icon(mode === 'facial' ? 'face' : 'finger'))),
      h('p', { id: 'dialog-message', class: 'message', role: 'status' }),
      h('dl', { class: 'signs' }, h('dt', {}, text('dialog.signs')), h('dd', {}, challenge)),
      h('button', { type: 'button', class: 'quiet', onclick: () => act('sensor.cancel') }, text('dialog.cancel')));
  }

  function drawMessage({ modes, touched }) {
    const message = screen.querySelector('.message');
    const asks = modes.length > 1 ? 'dialog.either' : `dialog.${modes[0] === 'facial' ? 'facial' : 'fingerPrint'}`;
    let told = text(asks);
    if (touched?.judgement === 'rejected') told = text('dialog.rejected', { left: touched.attemptsLeft });
    if (touched?.judgement === 'ignored') told = text('dialog.ignored');
    message.classList.toggle('bad', touched !== null);
    if (message.textContent !== told) message.textContent = told;
  }

  function lastWords() {
    const { last } = state;
    if (!last) return '';
    return last.errCode === 0 ? text('last.signed') : `${text('last.failed', { code: last.errCode })} ${last.message ?? ''}`;
  }

  function lastCard() {
    const { last } = state;
    if (!last) return null;
    const good = last.errCode === 0;
    const judged = last.judged && h('p', { class: last.judged.isOk ? 'good' : 'bad' },
      last.judged.isOk ? text('last.judgedGood') : text('last.judgedBad', { reason: last.judged.reason }));
    return h('div', { class: `last ${good ? 'good' : 'bad'}` },
      icon(good ? 'good' : 'wrong'),
      h('div', {},
        h('strong', {}, good ? text('last.signed') : text('last.failed', { code: last.errCode })),
        h('p', {}, good && last.signed ? text('last.signedText', { counter: last.signed.counter, salt: last.signed.saltLength }) : last.message ?? ''),
        last.reason ? h('p', {}, last.reason) : null,
        judged));
  }

  state.addEventListener('change', draw);
  state.addEventListener('happened', ({ detail: { event, judgement } }) => {
    if (event !== 'touched') return;
    // A touch is felt: the frame shakes, or glows.
    const frame = root.querySelector('.frame');
    frame.classList.remove('rejected', 'matched');
    void frame.offsetWidth;
    frame.classList.add(judgement === 'matched' ? 'matched' : 'rejected');
  });
  setInterval(() => {
    const wasLocked = !banner.hidden;
    drawBanner();
    // A lockout that has run out is read anew, with what the next failure would do.
    if (wasLocked && banner.hidden) state.read();
  }, 250);
  draw();
}
