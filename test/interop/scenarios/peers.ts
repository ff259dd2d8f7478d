import { strict as assert } from 'node:assert'
import { refusal } from '../lab/lab-node.ts'
import { type Scenario, sides } from '../lab/scenario.ts'

const badCommands: Scenario = {
  name: 'lab.bad-commands',
  what: 'the first peer answers nonsense with typed errors and goes on',
  directions: ['rust→rust', 'ts→rust'],
  async run(lab, direction) {
    const node = await lab.node(sides(direction)[0], { unbound: true })
    const { peer } = node
    for (const line of ['nonsense', '[]', '{"id":1}', '{"id":1,"cmd":2}', '{"id":1,"cmd":"hello","more":true}', '"\\u0000"']) {
      const from = peer.mark()
      peer.sendLine(line)
      const answer = await peer.next('a refusal', (e) => e.event === 'refused', from)
      assert.equal(answer.code, 'BAD_JSON', line)
    }
    const codeOf = async (cmd: string, args: object = {}): Promise<string> => (await refusal(peer.call(cmd, args))).code
    assert.equal(await codeOf('gossip.broadcast', { handle: 'x', content: { text: '' } }), 'NOT_BOUND')
    await node.bind()
    assert.equal(await codeOf('node.bind'), 'ALREADY_BOUND')
    assert.equal(await codeOf('no.such.command'), 'BAD_COMMAND')
    assert.equal(await codeOf('gossip.subscribe'), 'BAD_ARGUMENT')
    assert.equal(await codeOf('node.add_addr', { id: node.id, addrs: [], more: 1 }), 'BAD_ARGUMENT')
    assert.equal(await codeOf('gossip.leave', { handle: 'x' }), 'NOT_SUBSCRIBED')
    const topic = lab.topic()
    await node.subscribe(topic)
    assert.equal(await codeOf('gossip.subscribe', { topic }), 'ALREADY_SUBSCRIBED')
    await refusal(peer.call('gossip.subscribe', { topic: 'short' }))
    await refusal(peer.call('gossip.join', { handle: topic, peers: ['02'.padEnd(64, '0')] }))
    await peer.call('hello')
    return undefined
  },
}

export const peers: readonly Scenario[] = [badCommands]
