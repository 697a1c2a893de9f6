import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import { type AgentTools, admit, readConversation } from './agent-target.ts';

/** Stops the runs of the conversation that the request names in its header. */
export class StopTarget implements Target {
  readonly name: string;
  readonly #tools: AgentTools;

  constructor(name: string, tools: AgentTools) {
    this.name = name;
    this.#tools = tools;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const { guard, runs } = this.#tools;
    admit(exchange, guard);
    const conversation = readConversation(exchange);
    const { aborted, run_id } = runs.stop(conversation, '', conversation === '' ? [] : await runs.findOthers());
    const status = aborted ? 'aborting' : 'idle';
    return writeWebResponse(exchange, Response.json({ status, conversation_id: conversation, run_id }));
  }
}
