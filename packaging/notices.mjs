// The licences of what is linked into the program. They ask to be given on with it. As a program, this reads the output of
// `cargo metadata`.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { argv, stdin, stdout } from 'node:process'
import { json } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

const LICENCE_FILE = /^(licen[cs]e|copying|copyright|notice|unlicense)/i

/** The text with every library below the crate `root`, by `cargo metadata`, and each licence's text once. */
export function notices(metadata, root) {
  const packages = new Map(metadata.packages.map((each) => [each.id, each]))
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]))
  const librariesByText = new Map()
  for (const id of linked(packages, nodes, root)) {
    const library = packages.get(id)
    // Our own crates have the licence of the package.
    if (library.source === null) continue
    for (const text of licences(dirname(library.manifest_path))) {
      const libraries = librariesByText.get(text) ?? new Set()
      librariesByText.set(text, libraries.add(`${library.name} ${library.version} (${library.license})`))
    }
  }
  const parts = [...librariesByText].map(([text, libraries]) => `${[...libraries].sort().join('\n')}\n\n${text}\n`)
  return [`${root} contains these libraries.\n`, ...parts.sort()].join(`\n${'-'.repeat(80)}\n`)
}

function linked(packages, nodes, root) {
  const isMacro = (id) => packages.get(id).targets.some(({ kind }) => kind.includes('proc-macro'))
  const found = new Set([...packages.values()].filter(({ name }) => name === root).map(({ id }) => id))
  for (const id of found) {
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      if (dep_kinds.some(({ kind }) => kind === null) && !isMacro(pkg)) found.add(pkg)
    }
  }
  return found
}

function licences(folder) {
  const texts = licenceFiles(folder).map((file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim())
  return texts.length > 0 ? texts : ['The package has no file with the text of its licence.']
}

/** Those of the library, also in a folder for them, and those of C sources that it brings. */
function licenceFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.name === 'aws-lc') return licenceFiles(path)
    if (!LICENCE_FILE.test(entry.name)) return []
    return entry.isFile() ? [path] : readdirSync(path).map((name) => join(path, name))
  })
}

if (import.meta.url === pathToFileURL(argv[1]).href) stdout.write(notices(await json(stdin), 'soter-sim'))
