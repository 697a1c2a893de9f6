import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { REQUEST_HEADERS } from './request-headers.ts';
import { type Scenario, UPLOAD_BYTE } from './scenarios.ts';

/** Sends one request of the scenario. Rejects if a byte of the response body differs from the expected one. */
export async function probe(scenario: Scenario, port: number, signal: AbortSignal): Promise<void> {
  const response = await send(scenario, port, signal);
  const body = await buffer(response).catch((error: Error) => {
    throw new Error(`the response was cut: ${error.message}`);
  });
  if (response.statusCode !== 200) {
    throw new Error(`the response is ${response.statusCode} instead of 200: ${body.toString().slice(0, 200)}`);
  }
  if (!body.equals(scenario.answer)) {
    throw new Error(`the response has ${body.length} bytes that are not the expected ${scenario.answer.length}`);
  }
}

function send({ method, path, uploadBytes }: Scenario, port: number, signal: AbortSignal): Promise<IncomingMessage> {
  const body = Buffer.alloc(uploadBytes, UPLOAD_BYTE);
  const headers = { ...REQUEST_HEADERS, ...(uploadBytes > 0 ? { 'Content-Length': uploadBytes } : {}) };
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers, agent: false, signal })
      .on('response', resolve)
      .on('error', reject)
      .end(body);
  });
}
