import { type ErrorData, K2Error } from '../../base/errors.ts'

/** The ingest queue is full: the source must hold the events and offer them again. */
export function ingestOverloaded(waiting: number, limit: number, account?: string): K2Error {
  return new K2Error({
    code: 'PIPELINE_OVERLOADED',
    kind: 'limit',
    retry: 'later',
    message: `${waiting} events${account === undefined ? '' : ` of ${account}`} wait to be stored, the limit is ${limit}`,
    data: { waiting, limit },
  })
}

/** Nothing of the batch was stored: the source must deliver it again. */
export function ingestFailed(events: number, cause: unknown): K2Error {
  return new K2Error({
    code: 'PIPELINE_NOT_STORED',
    kind: 'storage',
    retry: 'later',
    message: `${events} events could not be stored`,
    data: { events },
    cause,
  })
}

export function pipelineClosed(): K2Error {
  return new K2Error({ code: 'PIPELINE_CLOSED', kind: 'closed', retry: 'later', message: 'the pipeline is shutting down' })
}

export function badRoutes(message: string, data: ErrorData): K2Error {
  return new K2Error({ code: 'ROUTE_INVALID', kind: 'config', message, data })
}

export function noDeadLetter(id: string): K2Error {
  return new K2Error({
    code: 'DEAD_LETTER_UNKNOWN',
    kind: 'input',
    message: 'there is no open dead letter with this id',
    data: { id: id.slice(0, 64) },
  })
}

export function noLane(lane: string): K2Error {
  return new K2Error({
    code: 'LANE_UNKNOWN',
    kind: 'input',
    message: 'there is no such lane',
    data: { lane: lane.slice(0, 200) },
  })
}
