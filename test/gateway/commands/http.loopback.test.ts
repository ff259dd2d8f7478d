import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from './support.ts'

let t: TestGateway
beforeAll(async () => {
  t = await startTestGateway()
})
afterAll(() => t.stop())

describe('commands over HTTP', () => {
  it('answer under /api/v1 with their data', async () => {
    const { status, body } = await t.api('GET', '/node/id')
    expect(status).toBe(200)
    expect(body).toMatchObject({ id: t.gateway.node.id })
    expect(await t.api('GET', '/topics')).toEqual({ status: 200, body: [{ name: 'Goods', neighbors: 0 }] })
  })

  it('join and leave topics while running', async () => {
    expect(await t.api('PUT', '/topics/Digital%20Assets')).toEqual({
      status: 200,
      body: { name: 'Digital Assets', joined: true },
    })
    expect(t.gateway.node.topics().map((n) => n.name)).toEqual(['Goods', 'Digital Assets'])
    expect((await t.api('DELETE', '/topics/digital')).body).toEqual({ name: 'Digital Assets', joined: false })
    expect((await t.api('DELETE', '/topics/Goods')).body).toMatchObject({ error: { code: 'TOPIC_IN_USE' } })
  })

  it('name what is wrong with arguments', async () => {
    expect(await t.api('GET', '/audit?limit=x')).toMatchObject({ status: 400, body: { error: { code: 'COMMAND_BAD_ARGUMENT' } } })
    expect(await t.api('GET', '/audit?limi=1')).toMatchObject({ status: 400, body: { error: { code: 'COMMAND_BAD_ARGUMENT' } } })
    expect(await t.api('POST', '/qr', {})).toMatchObject({
      status: 400,
      body: { error: { code: 'COMMAND_BAD_ARGUMENT', message: '"text" is missing: what the code says' } },
    })
  })

  it('keep an audit log', async () => {
    const { body } = await t.api('GET', '/audit?limit=5')
    expect(body).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          command: 'topic leave',
          actorKey: 'operator',
          surface: 'http',
          outcome: 'failed',
          code: 'TOPIC_IN_USE',
        }),
      ]),
    )
  })

  it('ask before what cannot be undone when the caller wants to be asked', async () => {
    const asked = await t.api('DELETE', '/topics/Goods', undefined, { 'k2-confirm': 'ask' })
    expect(asked).toMatchObject({ status: 409, body: { error: { code: 'COMMAND_NEEDS_CONFIRMATION' } } })
  })
})
