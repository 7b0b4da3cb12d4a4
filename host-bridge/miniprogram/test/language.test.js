'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { readdirSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { describe, it } = require('node:test')
const acorn = require('acorn')
const compiler = require('miniprogram-compiler')

const { version } = require('soter-sim-miniprogram/package.json')
const { PROGRAM } = require('./support/program')

const EXAMPLE = join(__dirname, '../example')
const CLIENT = join(EXAMPLE, 'soter-sim')

describe('the code that runs in mini programs', () => {
  for (const file of readdirSync(CLIENT).filter((name) => name.endsWith('.js'))) {
    it(`${file} of the client is ES5 and requires only its own files`, () => {
      const source = readFileSync(join(CLIENT, file), 'utf8')
      acorn.parse(source, { ecmaVersion: 5 })
      for (const [, required] of source.matchAll(/require\(([^)]*)\)/g)) assert.match(required, /^'\.\/\w+'$/)
    })
  }

  it('the example itself needs no more than ES2018, which DevTools takes without transforming it', () => {
    for (const file of ['app', 'backend', 'config', 'pages/pay/pay', 'pages/result/result']) {
      acorn.parse(readFileSync(join(EXAMPLE, `${file}.js`), 'utf8'), { ecmaVersion: 2018 })
    }
  })

  it('has the version of the program', () => {
    assert.equal(execFileSync(PROGRAM, ['--version'], { encoding: 'utf8' }).trim(), `soter-sim ${version}`)
  })

  it("the example's WXML and WXSS compile with WeChat's compiler", () => {
    assert.match(compiler.wxmlToJs(EXAMPLE), /pages\/result\/result\.wxml/)
    assert.match(compiler.wxssToJs(EXAMPLE), /app\.wxss/)
  })
})
