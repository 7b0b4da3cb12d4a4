'use strict'

const assert = require('node:assert/strict')
const { existsSync, readFileSync } = require('node:fs')
const { once } = require('node:events')
const { join } = require('node:path')
const { after, before, beforeEach, describe, it } = require('node:test')

const { ACCOUNT } = require('./support/program')
const { startServer } = require('./support/server')
const { fakeWx } = require('./support/wx')

const EXAMPLE = join(__dirname, '../example')
const json = (path) => JSON.parse(readFileSync(join(EXAMPLE, path), 'utf8'))

describe('the example mini program', () => {
  const config = require(join(EXAMPLE, 'config'))
  let server, backend, app, pages

  before(async () => {
    server = await startServer('--touch', 'auto')
    const { createBackend } = await import('../../examples/backend.mjs')
    backend = createBackend({ ...ACCOUNT, url: server.url }).listen(0, '127.0.0.1')
    await once(backend, 'listening')
    config.soterSim = server.url
    config.backend = `http://127.0.0.1:${backend.address().port}`

    global.wx = devtools()
    global.App = (definition) => (app = definition)
    global.getApp = () => app
    global.Page = (definition) => pages.push(definition)
    pages = []
    require(join(EXAMPLE, 'app'))
    app.onLaunch()
    for (const path of json('app.json').pages) require(join(EXAMPLE, path))
  })
  after(async () => {
    backend.close()
    await server.stop()
  })
  beforeEach(() => (wx.visited = []))

  /** A page as it is opened, with its own data, which setData changes. */
  function open(definition) {
    return Object.assign(Object.create(definition), {
      data: { ...definition.data },
      setData(changes) {
        Object.assign(this.data, changes)
      },
    })
  }

  it('has every file that app.json names', () => {
    const { pages, sitemapLocation } = json('app.json')
    for (const page of pages) for (const type of ['js', 'json', 'wxml']) assert.ok(existsSync(join(EXAMPLE, `${page}.${type}`)))
    assert.ok(existsSync(join(EXAMPLE, sitemapLocation)))
    assert.equal(json('project.config.json').setting.urlCheck, false)
  })

  it('pays an order by fingerprint, shows the result, and gets the replay refused', async () => {
    const pay = open(pages[0])
    await pay.onShow()
    assert.equal(pay.data.message, '')
    assert.equal(pay.data.yuan, '1.00')
    await pay.pay()
    assert.equal(pay.data.message, '')
    assert.deepEqual(wx.visited, ['/pages/result/result'])
    const result = open(pages[1])
    result.onLoad()
    assert.match(result.data.answer, /^已支付 Paid/)
    assert.equal(result.data.members.find(({ name }) => name === 'raw').value, pay.data.order.challenge)
    await result.replay()
    assert.match(result.data.replay, /^拒绝 Refused: no such order/)
  })

  it('shows why a payment failed', async () => {
    const pay = open(pages[0])
    await pay.onShow()
    await server.rpc('device.set', { failNext: 90008 })
    await pay.pay()
    assert.equal(pay.data.message, 'startSoterAuthentication:fail cancel')
    await server.rpc('device.set', { modes: [] })
    await pay.pay()
    assert.match(pay.data.message, /不支持/)
    await server.rpc('device.set', { modes: null })
    backend.closeAllConnections()
    backend.close()
    const other = open(pages[0])
    await other.onShow()
    assert.match(other.data.message, /^request:fail/)
    assert.equal(other.data.busy, false)
  })
})

/** What the example uses of DevTools' wx in addition to SOTER. */
function devtools() {
  return Object.assign(fakeWx(), {
    getSystemInfoSync: () => ({ platform: 'devtools' }),
    navigateTo: ({ url }) => wx.visited.push(url),
    async request({ url, method, data, success, fail }) {
      try {
        const answer = await fetch(url, { method, body: JSON.stringify(data) })
        success({ statusCode: answer.status, data: await answer.json() })
      } catch (error) {
        fail({ errMsg: `request:fail ${error.message}` })
      }
    },
  })
}
