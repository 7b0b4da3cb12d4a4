// A phone of a running soter-sim, driven over /rpc, as its owner uses it and as an attacker does.
import { setTimeout as pause } from 'node:timers/promises';

/** The uid of the Android app whose backend verifies signatures itself. */
const APP_UID = 10115;

export class Desk {
  constructor(url) {
    this.url = url;
  }

  async rpc(method, params = {}) {
    const answer = await fetch(`${this.url}/rpc`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(20_000),
    });
    const { result, error } = await answer.json();
    if (error) throw new Error(`${method}: ${error.message}; ${error.data?.next ?? ''}`);
    return result;
  }

  /** Another phone, with this WeChat user logged in. */
  async phone(name, user) {
    await this.rpc('device.create', { name });
    await this.rpc('device.set', { device: name, user });
    return new Phone(this, name);
  }
}

export class Phone {
  constructor(desk, name) {
    this.desk = desk;
    this.name = name;
  }

  rpc(method, params) {
    return this.desk.rpc(method, { device: this.name, ...params });
  }

  /** wx.login: a code for the backend. */
  async code() {
    return (await this.rpc('wx.login')).code;
  }

  /** wx.startSoterAuthentication, with a touch of the owner's. */
  async sign(challenge, touch) {
    const result = await this.rpc('wx.startSoterAuthentication', { requestAuthModes: ['fingerPrint'], challenge, ...touch });
    if (result.errCode !== 0) throw new Error(result.errMsg);
    const { resultJSON, resultJSONSignature, authMode } = result;
    return { resultJSON, resultJSONSignature, authMode };
  }

  /** A duplicate with the same keys and counter: what an attacker has who copied the flash. */
  async clone(name) {
    await this.rpc('danger.clone', { name });
    return new Phone(this.desk, name);
  }

  // What an Android app with Tencent's SDK does.

  async makeAsk() {
    // WeChat's servers know a phone of the desk, and verify_ask with them, from its first authentication in WeChat.
    await this.sign('the first authentication');
    await this.#ok('soter.generateAppSecureKey', { uid: APP_UID });
    return this.#exported('soter.getAppSecureKey', { uid: APP_UID });
  }

  async makeAuthKey(kname) {
    await this.#ok('soter.generateAuthKey', { uid: APP_UID, kname });
    return this.exportAuthKey(kname);
  }

  exportAuthKey(kname) {
    return this.#exported('soter.getAuthKey', { uid: APP_UID, kname });
  }

  async signWithKey(kname, challenge) {
    const { session } = await this.#ok('soter.initSigh', { uid: APP_UID, kname, challenge });
    for (let tries = 0; ; tries += 1) {
      const { resultCode, exportData } = await this.rpc('soter.finishSign', { session });
      if (resultCode === 0) return split(exportData);
      if (tries === 3) throw new Error(`soter.finishSign: ${resultCode}`);
      await pause(20);
    }
  }

  async #exported(method, params) {
    return split((await this.#ok(method, params)).exportData);
  }

  async #ok(method, params) {
    const reply = await this.rpc(method, params);
    if (reply.resultCode !== 0) throw new Error(`${method}: ${reply.resultCode}`);
    return reply;
  }
}

/** An export: the length of the JSON, the JSON, the signature. */
function split(exportData) {
  const bytes = Buffer.from(exportData, 'base64');
  const end = 4 + bytes.readUInt32LE(0);
  return { json: bytes.subarray(4, end).toString(), signature: bytes.subarray(end).toString('base64') };
}
