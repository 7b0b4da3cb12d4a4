// A server of `verify_signature` as a user would write it for tests: Node's own HTTP server and cryptography, and SQLite, in
// which each accepted counter is durable before the answer. The bench `verify` starts it with a folder, in which it finds
// `phones.json` and puts its database.

import { createPublicKey, constants, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const Database = createRequire(resolve(process.env.SOTER_PEER_NODE_MODULES) + '/')('better-sqlite3')
const folder = process.argv[2]

const database = new Database(join(folder, 'counters.db'))
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec('CREATE TABLE phone (cpu_id TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID')
const insert = database.prepare('INSERT INTO phone (cpu_id, counter) VALUES (?, 0)')
const spend = database.prepare('UPDATE phone SET counter = @counter WHERE cpu_id = @cpu_id AND counter < @counter')

const keys = new Map()
for (const { cpu_id, public_key } of JSON.parse(readFileSync(join(folder, 'phones.json'), 'utf8'))) {
  insert.run(cpu_id)
  keys.set(cpu_id, createPublicKey(public_key))
}

function isOk({ json_string, json_signature }) {
  const result = JSON.parse(json_string)
  const key = keys.get(result.cpu_id)
  if (!key) return false
  const scheme = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: result.rsa_pss_saltlen ?? 20 }
  if (!verify('sha256', Buffer.from(json_string), scheme, Buffer.from(json_signature, 'base64'))) return false
  return spend.run({ cpu_id: result.cpu_id, counter: result.counter }).changes === 1
}

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    let answer
    try {
      answer = { is_ok: isOk(JSON.parse(Buffer.concat(chunks))) }
    } catch {
      answer = { errcode: 47001, errmsg: 'data format error' }
    }
    const text = JSON.stringify(answer)
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) })
    response.end(text)
  })
})
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${server.address().port}`))
