#!/usr/bin/env node
// Runs the program, which is in a package of its own for each platform, with this process's arguments, streams, signals and
// exit code.
'use strict'

const { spawn } = require('node:child_process')
const { constants } = require('node:os')
const { realpathSync } = require('node:fs')
const { optionalDependencies } = require('../package.json')

const WINDOWS = process.platform === 'win32'
/** Names another program, such as one that was built from source. */
const OVERRIDE = 'SOTER_SIM_BINARY'
/** The signals that end the program. */
const SIGNALS = WINDOWS ? ['SIGBREAK', 'SIGINT'] : ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']

/** The program's path, or what is wrong and what to do. */
function findProgram() {
  const named = process.env[OVERRIDE]
  if (named) {
    if (!isThisFile(named)) return { path: named }
    return { what: `${OVERRIDE} names the script that reads it`, next: 'name the program itself' }
  }
  const platform = `${process.platform}-${process.arch}`
  const packageName = `@soter-sim/${platform}`
  if (!(packageName in optionalDependencies)) {
    return {
      what: `no program was built for ${platform}`,
      next: `build it with Rust: cargo install soter-sim, or in its repository cargo install --path simulator`,
    }
  }
  try {
    return { path: require.resolve(`${packageName}/bin/soter-sim${WINDOWS ? '.exe' : ''}`) }
  } catch {
    return {
      what: `the package ${packageName} with the program is not installed`,
      next: 'run npm install --include=optional; if that does not help, remove node_modules and package-lock.json before',
    }
  }
}

function isThisFile(path) {
  try {
    return realpathSync(path) === __filename
  } catch {
    return false
  }
}

/** The two lines and the exit code of the program itself where its surroundings fail. */
function fail({ what, next }) {
  process.stderr.write(`error: ${what}\nnext: ${next}\n`)
  process.exitCode = 3
}

function run(path) {
  let child
  // Before the program starts, so that none is lost. From a terminal, Ctrl-C reaches both processes; the program takes the
  // second signal for the first. On Windows it always reaches both, and `kill` would end the program at once.
  for (const signal of SIGNALS) process.on(signal, () => WINDOWS || child.kill(signal))
  child = spawn(path, process.argv.slice(2), { stdio: 'inherit' })
  child.on('error', (error) =>
    fail({ what: `${path} does not start: ${error.message}`, next: `install soter-sim again, or check ${OVERRIDE}` }),
  )
  child.on('exit', (code, signal) => {
    if (signal !== null) {
      // A parent that waits for this process learns of the signal, too.
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
      // Process 1 survives its own signals, and some are ignored.
      code = 128 + constants.signals[signal]
    }
    process.exit(code)
  })
}

const program = findProgram()
if (program.path) run(program.path)
else fail(program)
