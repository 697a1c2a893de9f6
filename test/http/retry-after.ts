import test from 'ava';
import { Fault, type FaultCode } from '../../src/contract/fault.ts';
import { answerFault } from '../../src/http/fault-response.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';

for (const [code, seconds] of [
  ['store_unavailable', '1'],
  ['internal', undefined],
] as const satisfies readonly (readonly [FaultCode, string | undefined])[]) {
  test(`the response of the fault ${code} has ${seconds ? `Retry-After: ${seconds}` : 'no Retry-After'}`, async (t) => {
    const server = await serveExchanges(t, async (exchange) => answerFault(exchange, new Fault(code)));

    const answer = await server.exchange('GET / HTTP/1.0\r\n\r\n');

    t.is(/\r\nRetry-After: (\d+)\r\n/.exec(answer)?.[1], seconds);
  });
}
