// A process that writes until it is killed: opens the database of the folder in argv[2] and prints each number once it is
// committed, half of them singly and half in pairs inside transactions.
import { openDatabase } from '../../../src/gateway/db/database.ts'

const dir = process.argv[2] as string
const migrations = [{ name: '0001-test', sql: 'create table k2.written (id integer primary key, note text)' }]
const db = await openDatabase({ driver: 'embedded', dir }, { migrations })
// Each process begins a new group of three, also when the last one was killed after the single row of a group.
const { rows } = await db.pool.query<{ next: number }>('select (coalesce(max(id), 0) + 2) / 3 * 3 + 1 as next from k2.written')
process.stdout.write('ready\n')
const client = await db.pool.connect()
for (let n = rows[0]?.next ?? 1; ; n += 3) {
  await db.pool.query('insert into k2.written values ($1, $2)', [n, 'x'.repeat(200)])
  process.stdout.write(`${n}\n`)
  await client.query('begin')
  await client.query('insert into k2.written values ($1)', [n + 1])
  await client.query('insert into k2.written values ($1)', [n + 2])
  await client.query('commit')
  process.stdout.write(`${n + 1}\n${n + 2}\n`)
}
