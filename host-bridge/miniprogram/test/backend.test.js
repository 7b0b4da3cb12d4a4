'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { createServer } = require('node:http')
const { after, before, beforeEach, describe, it } = require('node:test')

const SIGNATURE = 'signature'

// A server that answers as each test requires replaces WeChat's servers: the backend's own checks must work whatever
// verify_signature says.
describe("the example's backend", () => {
  let wechat, backend, url, asked, verdict

  before(async () => {
    const { createBackend } = await import('../../examples/backend.mjs')
    wechat = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { pathname, searchParams } = new URL(request.url, 'http://wechat')
      asked.push({ pathname, body: body && JSON.parse(body) })
      const answer = {
        '/sns/jscode2session': () => ({ openid: `openid of ${searchParams.get('js_code')}`, session_key: 'k' }),
        '/cgi-bin/stable_token': () => ({ access_token: 'token', expires_in: 7200 }),
        '/cgi-bin/soter/verify_signature': () => verdict(JSON.parse(body)),
      }[pathname]()
      response.end(typeof answer === 'string' ? answer : JSON.stringify(await answer))
    }).listen(0, '127.0.0.1')
    await once(wechat, 'listening')
    const account = { url: `http://127.0.0.1:${wechat.address().port}`, appid: 'wx1', secret: 's' }
    backend = createBackend(account).listen(0, '127.0.0.1')
    await once(backend, 'listening')
    url = `http://127.0.0.1:${backend.address().port}`
  })
  after(() => {
    backend.close()
    wechat.close()
  })
  beforeEach(() => {
    asked = []
    verdict = () => ({ is_ok: true })
  })

  async function post(path, body) {
    const answer = await fetch(url + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })
    return { status: answer.status, ...(await answer.json()) }
  }
  const login = async (code) => (await post('/login', { code })).session
  const order = async (session) => post('/order', { session })
  const result = (raw, counter, others = '') => `{"raw":"${raw}","counter":${counter},"cpu_id":"phone"${others}}`
  const pay = (session, order, resultJSON, others = {}) =>
    post('/pay', { session, order, resultJSON, resultJSONSignature: SIGNATURE, ...others })

  /** Pays a new order with a result of this counter, of a phone of this name. */
  async function payWith(counter, phone) {
    const session = await login('u')
    const { order: id, challenge } = await order(session)
    return pay(session, id, `{"raw":"${challenge}","counter":${counter},"cpu_id":"${phone}"}`)
  }

  it('accepts a payment once, and asks WeChat about the bytes and the user of the session', async () => {
    const session = await login('alice')
    const { order: id, challenge } = await order(session)
    const json = result(challenge, 5, ',"x": 1 ')
    const paid = await pay(session, id, json, { openid: 'mallory' })
    assert.deepEqual(paid, { status: 200, paid: id, cents: 100 })
    assert.deepEqual(asked.at(-1).body, {
      openid: 'openid of alice',
      json_string: json,
      json_signature: SIGNATURE,
    })
    assert.equal((await pay(session, id, json)).status, 409)
  })

  it('accepts only one of many requests for the same order', async () => {
    const session = await login('alice')
    const { order: id, challenge } = await order(session)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => pay(session, id, result(challenge, 100 + n))))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(19).fill(409)])
  })

  it('refuses a challenge of another order, another user, another spelling', async () => {
    const [alice, bob] = [await login('alice'), await login('bob')]
    const before = await order(alice)
    const now = await order(alice)
    const bobs = await order(bob)
    assert.match((await pay(alice, before.order, result(before.challenge, 200))).refused, /no such order/)
    assert.match((await pay(bob, now.order, result(now.challenge, 201))).refused, /no such order/)
    assert.match((await pay(alice, now.order, result(bobs.challenge, 202))).refused, /not that of this order/)
    for (const raw of [(c) => c.toUpperCase(), (c) => `${c} `, (c) => c.slice(1), () => '']) {
      const { order: id, challenge } = await order(alice)
      assert.match((await pay(alice, id, result(raw(challenge), 203))).refused, /not that of this order/)
    }
    const { order: id, challenge } = await order(alice)
    const { refused } = await pay(alice, id, `{"raw":["${challenge}"],"counter":204,"cpu_id":"phone"}`)
    assert.match(refused, /not that of this order/)
  })

  it('refuses a counter that is not above the last, to the last digit', async () => {
    assert.equal((await payWith('9007199254740992', 'p')).status, 200)
    assert.match((await payWith('9007199254740992', 'p')).refused, /^counter 9007199254740992 is not above 9007199254740992$/)
    assert.match((await payWith('7', 'p')).refused, /^counter 7 is not above/)
    assert.equal((await payWith('9007199254740993', 'p')).status, 200)
    assert.equal((await payWith('18446744073709551615', 'p')).status, 200)
    assert.equal((await payWith('1', 'another phone')).status, 200)
  })

  it('refuses what is not a result, even if WeChat accepts it', async () => {
    for (const counter of ['"5"', '5.0', '5e3', '-5', 'null', '[5]', '{}', '5,"counter":"6"', '123456789012345678901']) {
      assert.match((await payWith(counter, 'q')).refused, /not a result/, counter)
    }
    for (const make of [(c) => `[${c}]`, () => 'null', () => '7', (c) => `{"raw":"${c}","counter":1}`, () => '{']) {
      const session = await login('u')
      const { order: id, challenge } = await order(session)
      assert.match((await pay(session, id, make(challenge))).refused, /not a result/)
    }
  })

  it('finds the counter, whatever the texts contain', async () => {
    const session = await login('u')
    const { order: id, challenge } = await order(session)
    const tricky = `{"\\"counter\\":9":"\\",\\"counter\\":8,12","raw":"${challenge}","counter":7,"cpu_id":"tricky"}`
    assert.equal((await pay(session, id, tricky)).status, 200)
    assert.equal((await payWith('8', 'tricky')).status, 200)
  })

  it('accepts only true, and reports what WeChat said', async () => {
    const answers = [
      [{ is_ok: false }, /is_ok is false$/],
      [{ is_ok: 'true' }, /is_ok is false$/],
      [{ is_ok: 1 }, /is_ok is false$/],
      [{}, /is_ok is false$/],
      [[true], /is_ok is false$/],
      [{ errcode: 40003, errmsg: 'invalid openid', is_ok: true }, /^verify_signature: 40003 invalid openid$/],
      ['<html>', /gives no answer/],
    ]
    for (const [answer, expected] of answers) {
      verdict = () => answer
      const { status, refused } = await payWith('5', 'r')
      assert.match(refused, expected)
      assert.ok(status >= 400)
    }
  })

  it('gets another access_token when the old one is refused, once', async () => {
    const times = () => asked.filter(({ pathname }) => pathname === '/cgi-bin/stable_token').length
    verdict = () => (times() === 0 ? { errcode: 40001, errmsg: 'stale' } : { is_ok: true })
    assert.equal((await payWith('5', 's')).status, 200)
    assert.equal(times(), 1)
    verdict = () => ({ errcode: 42001, errmsg: 'expired' })
    assert.match((await payWith('6', 's')).refused, /42001 expired/)
    assert.equal(times(), 2)
  })

  it('refuses requests of the wrong shape, and continues to serve', async () => {
    const session = await login('u')
    const { order: id } = await order(session)
    for (const wrong of [undefined, null, 5, true, '', [], ['x'], { toString: 'x' }]) {
      assert.equal((await pay(session, id, wrong)).status, 400)
      assert.equal((await pay(session, wrong, 'x')).status, 400)
      assert.equal((await pay(wrong, id, 'x')).status, 400)
      assert.equal((await post('/login', { code: wrong })).status, 400)
    }
    for (const body of ['', 'x', '{', 'null', '[]', '7', '"session"']) assert.equal((await post('/order', body)).status, 400)
    assert.equal((await post('/order', 'x'.repeat(17000))).status, 413)
    assert.equal((await post('/__proto__', {})).status, 404)
    assert.equal((await post('/toString', {})).status, 404)
    assert.equal((await order('0'.repeat(64))).status, 401)
    assert.equal((await order('constructor')).status, 401)
    assert.equal((await order(session)).status, 200)
  })

  it('ends a session when its user logs in again', async () => {
    const old = await login('carol')
    await login('carol')
    assert.equal((await order(old)).status, 401)
  })
})
