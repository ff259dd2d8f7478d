import type { Bridge } from '../../bridges/port.ts'

/** The same bridge, whose messages go through `send`. */
export function sendingBy(bridge: Bridge, send: Bridge['send']): Bridge {
  const { name, network, account, capabilities } = bridge
  return {
    name,
    network,
    account,
    capabilities,
    health: () => bridge.health(),
    joinsTexts: (place) => bridge.joinsTexts?.(place) ?? false,
    deletesTogether: (place, parts) => bridge.deletesTogether?.(place, parts) ?? false,
    send,
  }
}
