'use strict'

const { join } = require('node:path')
const simulate = require('miniprogram-simulate')
const WebSocket = require('ws')

const { connectSocketOver, installSoterSim } = require('soter-sim-miniprogram')
const { startServer } = require('../support/server')

let server, installation, payment

beforeAll(async () => {
  payment = simulate.load(join(__dirname, 'pay/pay'))
  server = await startServer('--touch', '1,cancel')
  installation = installSoterSim(wx, { url: server.url, connectSocket: connectSocketOver(WebSocket) })
})
afterAll(async () => {
  installation.restore()
  await server.stop()
})

/** Taps the button of the component, and returns what it shows when the call is complete. */
async function pay(challenge) {
  const component = simulate.render(payment, { challenge })
  component.attach(document.createElement('div'))
  const done = new Promise((resolve) => component.addEventListener('done', resolve))
  component.querySelector('.pay').dispatchEvent('tap')
  await done
  return component.querySelector('.pay').dom.innerHTML
}

test('a component that calls wx.startSoterAuthentication gets the result of a phone', async () => {
  expect(await pay('order-42')).toBe('signed order-42')
})

test('a component also gets the failures of a phone', async () => {
  await server.rpc('device.set', { failNext: 90009 })
  expect(await pay('order-43')).toBe('startSoterAuthentication:fail ')
  expect(await pay('')).toBe('startSoterAuthentication:fail challenge is null')
})
