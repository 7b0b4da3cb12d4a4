// What the page knows of the phones. Modules draw from it when it says `change`, at most once a frame.

/** Between two readings of the phone, in milliseconds: however much happens, no more is asked. */
const READING_PAUSE = 150;
/** Phones that are read at once. */
const MOST_READ = 1000;

/** Tells `change` when something has to be drawn again, and `happened` (detail: an event of the phones) at once. */
export class State extends EventTarget {
  #bridge;
  #isReading = false;
  #isStale = false;
  #lastReading = 0;
  #drawing = null;

  /** The phones on the desk, and the name of the selected one. */
  devices = [];
  /** Whether there are more phones than `devices`. */
  hasMore = false;
  #prefix = '';
  selected = '';
  /** All about the selected phone, as `device.show` has it; `null` before it is known. */
  device = null;
  /** When it was read, to count its lockouts down from. */
  readAt = 0;
  keys = [];
  /** The families of phones, described in `#profilesLanguage`. */
  profiles = [];
  #profilesLanguage = null;
  /** The switches of WeChat's servers, as `servers.show` has them; `null` before they are known. */
  servers = null;
  /** The dialog that waits on the selected phone, with what its last touch came to. */
  dialog = null;
  /** How the last authentication or payment of the selected phone ended. */
  last = null;
  /** Other phones on which a dialog waits. */
  waitsElsewhere = [];

  constructor(bridge) {
    super();
    this.#bridge = bridge;
    bridge.addEventListener('online', () => {
      this.read();
      this.draw();
    });
    bridge.addEventListener('offline', () => this.draw());
    bridge.addEventListener('event', ({ detail }) => this.#happened(detail));
  }

  get online() {
    return this.#bridge.online;
  }

  /** What the selected phone's family supports, before any setting. */
  get familyModes() {
    return this.profiles.find(({ name }) => name === this.device.profile)?.modes ?? [];
  }

  /** What the selected phone's clock shows, in milliseconds since 1970. A seeded phone's stands still. */
  get clock() {
    const { clock, seeded } = this.device;
    return seeded ? clock : clock + performance.now() - this.readAt;
  }

  /** Draws everything again in the next frame. */
  draw() {
    this.#drawing ??= requestAnimationFrame(() => {
      this.#drawing = null;
      this.dispatchEvent(new Event('change'));
    });
  }

  /** Reads the phone again soon. Calls during a reading cause one more reading. */
  async read() {
    this.#isStale = true;
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isStale && this.online) {
        const pause = this.#lastReading + READING_PAUSE - performance.now();
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
        this.#isStale = false;
        await this.#readOnce();
        this.#lastReading = performance.now();
        this.draw();
      }
    } catch {
      // The server has gone, or the phone; the next `online` or `changed` reads again.
    } finally {
      this.#isReading = false;
    }
  }

  /** Looks for phones whose names begin with this, if there are more than are read. */
  find(prefix) {
    this.#prefix = prefix;
    if (this.hasMore) this.read();
  }

  async #readOnce() {
    const call = (method, params) => this.#bridge.call(method, params);
    const { language } = this.#bridge;
    if (this.#profilesLanguage !== language) {
      this.profiles = (await call('device.profiles')).profiles;
      this.#profilesLanguage = language;
    }
    const { devices, selected, more = false } = await call('device.list', { limit: MOST_READ });
    const [device, { keys }, found, servers] = await Promise.all([
      call('device.show', { device: selected }),
      call('keys.list', { device: selected }),
      more && this.#prefix ? call('device.list', { prefix: this.#prefix }) : { devices: [] },
      // They may have lost their database: the phones are shown all the same.
      call('servers.show').catch(() => this.servers),
    ]);
    if (selected !== this.selected) this.last = null;
    this.waitsElsewhere = devices.filter(({ name, waits }) => waits && name !== selected).map(({ name }) => name);
    const read = new Set(devices.map(({ name }) => name));
    this.devices = [...devices, ...found.devices.filter(({ name }) => !read.has(name))];
    this.hasMore = more;
    this.selected = selected;
    this.device = device;
    this.readAt = performance.now();
    this.keys = keys;
    this.servers = servers;
    if (device.dialog === undefined) this.dialog = null;
    else if (this.dialog?.number !== device.dialog.number) this.dialog = { ...device.dialog, touched: null };
  }

  #happened(event) {
    const isHere = event.device === undefined || event.device === this.selected;
    switch (event.event) {
      case 'promptShown':
        if (event.waits && isHere) {
          const { dialog: number, modes, kind, authContent, challenge, prepayId } = event;
          this.dialog = { number, modes, kind, authContent, challenge, prepayId, touched: null };
        }
        break;
      case 'promptClosed':
        if (!isHere) break;
        if (this.dialog?.number === event.dialog) this.dialog = null;
        // A payment has no errCode; `paymentEnded` says how it ended.
        if (event.errCode !== undefined) this.last = { ...this.last, errCode: event.errCode, payment: undefined };
        break;
      case 'paymentEnded':
        if (isHere) this.last = { payment: event };
        break;
      case 'touched':
        if (isHere && this.dialog) this.dialog = { ...this.dialog, touched: event };
        break;
      case 'signed':
        if (isHere) this.last = { errCode: 0, signed: event };
        break;
      case 'refused':
        if (isHere && event.method === 'wx.startSoterAuthentication') {
          this.last = { errCode: event.code, message: event.message, reason: event.reason };
        }
        break;
      case 'signatureJudged':
        if (this.last && !this.last.payment) this.last = { ...this.last, judged: event };
        break;
    }
    this.dispatchEvent(new CustomEvent('happened', { detail: event }));
    if (isHere || ['changed', 'lagged', 'promptShown', 'promptClosed'].includes(event.event)) this.read();
    this.draw();
  }
}
