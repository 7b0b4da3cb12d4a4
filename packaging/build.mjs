// Builds what people install without Rust, into the folder `--out` (by default `target/packages`): the npm packages, the wheel,
// and an archive with the program. One run builds for one platform: this one, or that of `--target`.
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { notices } from './notices.mjs'

/** The target that is released for each platform of Node. On Linux it is a static program, for any distribution. */
const TARGETS = {
  'darwin-arm64': 'aarch64-apple-darwin',
  'darwin-x64': 'x86_64-apple-darwin',
  'linux-arm64': 'aarch64-unknown-linux-musl',
  'linux-x64': 'x86_64-unknown-linux-musl',
  'win32-x64': 'x86_64-pc-windows-msvc',
}
const WORKSPACE = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const CLIENT = join(WORKSPACE, 'host-bridge/miniprogram')
const LICENCES = ['LICENSE-APACHE', 'LICENSE-MIT']
const WINDOWS = process.platform === 'win32'

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    profile: { type: 'string', default: 'release' },
    target: { type: 'string' },
    // A release is started by a tag.
    'expect-version': { type: 'string' },
  },
})

function run(program, words, { cwd = WORKSPACE, stdout = 'inherit', shell = false } = {}) {
  return execFileSync(program, words, { cwd, shell, stdio: ['ignore', stdout, 'inherit'], encoding: 'utf8', maxBuffer: 1 << 28 })
}

const host = run('rustc', ['-vV'], { stdout: 'pipe' }).match(/^host: (.*)$/m)[1]
const target = options.target ?? host
const metadata = JSON.parse(
  run('cargo', ['metadata', '--format-version', '1', '--locked', '--filter-platform', target], { stdout: 'pipe' }),
)
const out = resolve(options.out ?? join(metadata.target_directory, 'packages'))
const version = checkedVersion()
const platform = platformOf()
const work = mkdtempSync(join(tmpdir(), 'soter-sim-packages-'))
try {
  mkdirSync(out, { recursive: true })
  const thirdParty = join(work, 'THIRD-PARTY-NOTICES.txt')
  writeFileSync(thirdParty, notices(metadata, 'soter-sim'))
  const program = programPath()
  // An older one must not be packed.
  rmSync(program, { force: true })
  wheel(thirdParty)
  npmClient()
  npmLauncher()
  npmProgram(program, thirdParty)
  archive(program, thirdParty)
} finally {
  rmSync(work, { recursive: true })
}

/** The version of Cargo.toml, where all others come from. Those that are written elsewhere must be the same. */
function checkedVersion() {
  const members = new Set(metadata.workspace_members)
  const crates = metadata.packages.filter(({ id }) => members.has(id))
  const { version } = crates.find(({ name }) => name === 'soter-sim')
  const lock = readJson(join(CLIENT, 'package-lock.json'))
  const written = {
    ...Object.fromEntries(crates.map((each) => [`the crate ${each.name}`, each.version])),
    'host-bridge/miniprogram/package.json': readJson(join(CLIENT, 'package.json')).version,
    'host-bridge/miniprogram/package-lock.json': lock.version,
    'host-bridge/miniprogram/package-lock.json, in `packages`': lock.packages[''].version,
    '--expect-version': options['expect-version'] ?? version,
  }
  for (const [where, other] of Object.entries(written)) {
    if (other !== version) throw new Error(`${where} has version ${other}, but soter-sim has ${version}`)
  }
  return version
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** The platform for which this run builds. The launcher knows no others than those of the table. */
function platformOf() {
  const here = `${process.platform}-${process.arch}`
  const found = Object.keys(TARGETS).find((each) => (options.target === undefined ? each === here : TARGETS[each] === target))
  if (found === undefined) throw new Error(`there is no package for ${target}, only for ${Object.values(TARGETS).join(', ')}`)
  return found
}

/** The client for mini programs. */
function npmClient() {
  const folder = join(work, 'client')
  const manifest = readJson(join(CLIENT, 'package.json'))
  for (const file of [...manifest.files, 'README.md', 'README.zh-CN.md']) {
    cpSync(join(CLIENT, file), join(folder, file), { recursive: true })
  }
  writeJson(join(folder, 'package.json'), { ...manifest, files: [...manifest.files, ...LICENCES] })
  pack(folder)
}

/** The package that people install: it starts the program of the platform's package. */
function npmLauncher() {
  const folder = join(work, 'launcher')
  cpSync(join(WORKSPACE, 'packaging/npm/soter-sim'), folder, { recursive: true })
  const manifest = readJson(join(folder, 'package.json'))
  manifest.version = version
  manifest.optionalDependencies = Object.fromEntries(Object.keys(TARGETS).map((each) => [npmName(each), version]))
  writeJson(join(folder, 'package.json'), manifest)
  copyFileSync(join(WORKSPACE, 'packaging/package-readme.md'), join(folder, 'README.md'))
  pack(folder)
}

/** The package with the program of one platform, which npm installs nowhere else. */
function npmProgram(program, thirdParty) {
  const folder = join(work, 'program')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  copyFileSync(program, join(folder, 'bin', basename(program)))
  copyFileSync(thirdParty, join(folder, basename(thirdParty)))
  const [os, cpu] = platform.split('-')
  const { license } = readJson(join(WORKSPACE, 'packaging/npm/soter-sim/package.json'))
  const description = `The program of the package soter-sim for ${platform}`
  writeJson(join(folder, 'package.json'), { name: npmName(platform), version, description, license, os: [os], cpu: [cpu] })
  pack(folder)
}

function npmName(platform) {
  return `@soter-sim/${platform}`
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}

function copyLicences(folder) {
  for (const licence of LICENCES) copyFileSync(join(WORKSPACE, licence), join(folder, licence))
}

function pack(folder) {
  copyLicences(folder)
  // On Windows npm is a script, which only a shell starts. Folders may have spaces in their names.
  const words = ['pack', '--silent', '--pack-destination', out]
  run('npm', WINDOWS ? words.map((word) => `"${word}"`) : words, { cwd: folder, shell: WINDOWS })
}

/** The program with its licences, for those who have neither npm nor pip. */
function archive(program, thirdParty) {
  const name = `soter-sim-${version}-${target}`
  const folder = join(work, name)
  mkdirSync(folder)
  copyLicences(folder)
  for (const file of [program, thirdParty]) copyFileSync(file, join(folder, basename(file)))
  // The tar of Windows itself also makes zip files, which that of Git for Windows does not.
  const [tar, options, extension] = WINDOWS ? [join(process.env.SystemRoot, 'System32/tar.exe'), '-acf', 'zip'] : ['tar', '-czf', 'tar.gz']
  run(tar, [options, join(out, `${name}.${extension}`), name], { cwd: work })
}

/** Builds the program and its wheel, by maturin in an environment of its own. */
function wheel(thirdParty) {
  const project = join(WORKSPACE, 'packaging/pypi')
  copyLicences(project)
  copyFileSync(join(WORKSPACE, 'packaging/package-readme.md'), join(project, 'README.md'))
  copyFileSync(thirdParty, join(project, basename(thirdParty)))
  const maturin = readFileSync(join(project, 'pyproject.toml'), 'utf8').match(/maturin==[\d.]+/)[0]
  const venv = join(work, 'venv')
  run(WINDOWS ? 'python' : 'python3', ['-m', 'venv', venv])
  const bin = join(venv, WINDOWS ? 'Scripts' : 'bin')
  run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', maturin])
  // A static program runs with any C library.
  const tags = target.endsWith('-musl') ? ['--compatibility', 'manylinux2014', 'musllinux_1_2'] : []
  const words = ['build', '--locked', '--profile', options.profile, '--out', out, ...tags]
  if (options.target !== undefined) words.push('--target', target)
  run(join(bin, 'maturin'), words, { cwd: project })
}

/** Where cargo, which maturin runs, puts the program. Without `--target`, it leaves out the folder of that name. */
function programPath() {
  const folder = join(metadata.target_directory, options.target ?? '', options.profile === 'dev' ? 'debug' : options.profile)
  return join(folder, `soter-sim${target.includes('windows') ? '.exe' : ''}`)
}
