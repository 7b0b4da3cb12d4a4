// The phone's screen: the dialog of an authentication or of a payment, lockouts, and how the last one ended.

import { fill, h, icon, visible, write } from './elements.js';
import { explainAnswer, explainReason } from './meanings.js';
import { sensor } from './sensor.js';
import { moment, text, withLang } from './texts.js';

/** Phones with a waiting dialog that are named; of more it is said how many. */
const MOST_ELSEWHERE = 3;

export function phone(root, { state, act }) {
  const clock = h('span', {});
  const name = h('span', { class: 'name' });
  const elsewhere = h('div', { class: 'elsewhere', role: 'status' });
  const lockedWords = h('span', {});
  const unlock = h('button', { type: 'button', 'data-text': 'unlock', onclick: () => act('biometric.unlock') });
  const banner = h('div', { class: 'banner', hidden: true }, icon('lock'), lockedWords, unlock);
  const screen = h('div', { class: 'screen', tabIndex: -1 });
  // What happens is said once, by the words that a person would read.
  const said = h('p', { class: 'visually-hidden', role: 'alert' });
  const saidLocked = h('p', { class: 'visually-hidden', role: 'status' });
  const touches = h('div', { class: 'touches' });
  root.append(
    elsewhere,
    h('div', { class: 'frame' }, h('div', { class: 'status' }, clock, name), h('div', { class: 'glass' }, banner, screen, said, saidLocked), touches),
  );
  sensor(touches, { state, act });

  function draw() {
    const { device, dialog } = state;
    drawClock();
    write(name, device ? `${device.name} · ${device.profile}` : '');
    // Who works in another tab sees there that somebody is waited for.
    document.title = dialog ? `● ${title(dialog)}` : 'soter-sim';
    root.classList.toggle('away', !state.online);
    drawElsewhere();
    drawBanner();
    const shown = dialog ? `dialog ${dialog.number}` : `idle ${state.online} ${state.device !== null} ${JSON.stringify(state.last)}`;
    // What is on the screen stays while it says the same, so that the focus stays where it is.
    if (screen.dataset.shown !== shown) {
      const hadDialog = screen.dataset.shown?.startsWith('dialog');
      const isHeld = screen.contains(document.activeElement);
      // Held by the screen meanwhile, so that nothing inside is pressed by a key that is still down.
      if (isHeld) screen.focus({ preventScroll: true });
      screen.dataset.shown = shown;
      fill(screen, dialog ? dialogSheet(dialog) : idle());
      const signed = screen.querySelector('.signs code');
      if (signed && signed.scrollHeight > signed.clientHeight) signed.tabIndex = 0;
      if (isHeld && dialog) screen.firstElementChild.focus({ preventScroll: true });
      else if (dialog) said.textContent = text(isPayment(dialog) ? 'dialog.paymentOpened' : 'dialog.opened', { content: visible(dialog.prepayId ?? dialog.authContent) });
      if (!dialog && hadDialog) said.textContent = lastWords();
    }
    if (dialog) drawMessage(dialog);
  }

  function drawElsewhere() {
    const names = state.waitsElsewhere.slice(0, MOST_ELSEWHERE);
    const more = state.waitsElsewhere.length - names.length;
    const shown = `${names} ${more}`;
    if (elsewhere.dataset.shown === shown) return;
    elsewhere.dataset.shown = shown;
    const go = (device) => {
      // The button goes when its dialog opens, so the keyboard focus goes to that dialog.
      screen.focus({ preventScroll: true });
      act('device.select', { name: device });
    };
    fill(elsewhere,
      names.map((device) => h('p', {}, h('span', {}, text('waits.elsewhere', { device })), ' ',
        h('button', { type: 'button', onclick: () => go(device) }, text('waits.go', { device })))),
      more > 0 && h('p', {}, text('waits.more', { count: more })));
  }

  function drawClock() {
    write(clock, state.device ? moment(state.clock).slice(0, 5) : '');
    const large = screen.querySelector('.large-clock');
    if (large) write(large, clock.textContent);
  }

  /** What is locked, counted down from what was read. */
  function drawBanner() {
    const since = performance.now() - state.readAt;
    const lockouts = (state.device?.biometrics.lockouts ?? []).map((lockout) => ({
      ...lockout, remainingMs: lockout.remainingMs === undefined ? 0 : Math.max(0, lockout.remainingMs - since),
    }));
    const locked = lockouts.filter(({ permanent, remainingMs }) => permanent || remainingMs > 0);
    if (locked.length === 0 && banner.contains(document.activeElement)) screen.focus({ preventScroll: true });
    banner.hidden = locked.length === 0;
    const told = locked.map(({ mode, permanent, remainingMs }) => {
      const seconds = Math.ceil(remainingMs / 1000);
      return text('entry.named', { what: text(`mode.${mode}`), name: permanent ? text('locked.permanent') : text('locked.timed', { seconds }) });
    }).join(' · ');
    write(lockedWords, told);
    // Said when it begins and when it ends, not every second in between.
    const locks = locked.map(({ mode, permanent }) => `${mode} ${permanent}`).join();
    const wasLocked = Boolean(saidLocked.dataset.locks);
    if ((saidLocked.dataset.locks ?? '') === locks) return;
    saidLocked.dataset.locks = locks;
    saidLocked.textContent = locks ? told : wasLocked ? text('locked.over') : '';
  }

  function idle() {
    return h('div', { class: 'idle' },
      lastCard() ?? h('p', { class: 'large-clock', 'aria-hidden': 'true' }, clock.textContent),
      h('h2', {}, text('idle.title')),
      h('p', {}, text('idle.text')),
      h('button', { type: 'button', class: 'strong', disabled: !state.online || state.device === null, onclick: tryIt }, icon('pay'), text('idle.try')));
  }

  /** An authentication as a mini program would ask for it, of what the phone can do. */
  function tryIt() {
    act('wx.startSoterAuthentication', {
      requestAuthModes: state.device.settings.modes ?? state.familyModes,
      challenge: `demo-${Date.now()}`,
      authContent: text('idle.content'),
    });
  }

  function isPayment({ kind }) {
    return kind === 'payment';
  }

  /** What the dialog asks for. The phone does not know what is paid. */
  function title(dialog) {
    return isPayment(dialog) ? text('dialog.pay') : visible(dialog.authContent);
  }

  function dialogSheet(dialog) {
    const { modes } = dialog;
    return h('div', { class: 'sheet', role: 'dialog', tabIndex: -1, 'aria-labelledby': 'dialog-content', 'aria-describedby': 'dialog-message' },
      h('p', { class: 'kind' }, text(isPayment(dialog) ? 'dialog.payment' : 'dialog.title')),
      h('h2', { id: 'dialog-content' }, title(dialog)),
      h('div', { class: 'modes' }, modes.map((mode) => icon(mode === 'facial' ? 'face' : 'finger'))),
      h('p', { id: 'dialog-message', class: 'message', role: 'status' }),
      h('div', { class: 'signs' }, h('p', { id: 'dialog-signs' }, text(isPayment(dialog) ? 'dialog.prepayId' : 'dialog.signs')),
        h('code', { role: 'group', 'aria-labelledby': 'dialog-signs' }, visible(isPayment(dialog) ? dialog.prepayId : dialog.challenge))),
      h('button', { type: 'button', class: 'quiet', onclick: () => act('sensor.cancel') }, text('dialog.cancel')));
  }

  function drawMessage({ modes, touched }) {
    const message = screen.querySelector('.message');
    const asks = modes.length > 1 ? 'dialog.either' : `dialog.${modes[0] === 'facial' ? 'facial' : 'fingerPrint'}`;
    let told = text(asks);
    if (touched?.judgement === 'rejected') told = text('dialog.rejected', { left: touched.attemptsLeft });
    if (touched?.judgement === 'ignored') told = text('dialog.ignored');
    message.classList.toggle('bad', touched !== null);
    write(message, told);
  }

  function lastWords() {
    const { last } = state;
    if (!last) return '';
    if (last.payment) return [text(last.payment.isOk ? 'last.paid' : 'last.notPaid'), visible(last.payment.errMsg)].join(' ');
    return last.errCode === 0 ? text('last.signed') : [text('last.failed', { code: last.errCode }), explainAnswer({ errCode: last.errCode, errMsg: last.message })?.meaning, last.message].filter(Boolean).join(' ');
  }

  function lastCard() {
    const { last } = state;
    if (!last) return null;
    if (last.payment) return paymentCard(last.payment);
    const good = last.errCode === 0;
    const { reason, lang } = withLang({ reason: last.reason });
    const meant = !good && explainAnswer({ errCode: last.errCode, errMsg: last.message });
    const judged = last.judged && h('p', { class: last.judged.isOk ? 'good' : 'bad' },
      last.judged.isOk ? text('last.judgedGood') : text('last.judgedBad', { reason: last.judged.reason }));
    const refusal = last.judged && !last.judged.isOk && explainReason(last.judged.reason);
    return h('div', { class: `last ${good ? 'good' : 'bad'}` },
      icon(good ? 'good' : 'wrong'),
      h('div', {},
        h('strong', {}, good ? text('last.signed') : text('last.failed', { code: last.errCode })),
        meant && h('p', {}, meant.meaning),
        h('p', {}, good && last.signed ? text('last.signedText', { counter: last.signed.counter, salt: last.signed.saltLength }) : visible(last.message ?? '')),
        reason && h('p', { lang }, visible(reason)),
        judged,
        refusal && h('p', {}, refusal.meaning)));
  }

  /** How a payment ended: what the mini program was told, and why. */
  function paymentCard(payment) {
    const { isOk, errMsg, reason } = payment;
    const meant = explainReason(reason);
    const { detail, lang } = withLang(payment);
    return h('div', { class: `last ${isOk ? 'good' : 'bad'}` },
      icon(isOk ? 'good' : 'wrong'),
      h('div', {},
        h('strong', {}, text(isOk ? 'last.paid' : 'last.notPaid')),
        h('p', {}, visible(errMsg)),
        meant && h('p', {}, meant.meaning),
        h('p', { lang }, visible(detail))));
  }

  state.addEventListener('change', draw);
  state.addEventListener('happened', ({ detail: { event, judgement } }) => {
    if (event !== 'touched') return;
    // A touch is felt: the frame shakes, or glows.
    const frame = root.querySelector('.frame');
    frame.classList.remove('rejected', 'matched');
    // Laid out in between, so that the animation starts again.
    void frame.offsetWidth;
    frame.classList.add(judgement === 'matched' ? 'matched' : 'rejected');
  });
  setInterval(() => {
    drawClock();
    const wasLocked = !banner.hidden;
    drawBanner();
    // A lockout that has run out is read again, with what the next failure would do.
    if (wasLocked && banner.hidden) state.read();
  }, 250);
  draw();
}
