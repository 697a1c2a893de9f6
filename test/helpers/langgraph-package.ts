/**
 * Files of a double of `@langchain/langgraph` 1.7, because that package is 67 MB: the classes that nexthop extends, with the methods and the
 * serializer that it calls, and a graph of one node that appends to its state.
 */
export const LANGGRAPH: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'node_modules/@langchain/langgraph/package.json': JSON.stringify({
    name: '@langchain/langgraph',
    version: '1.7.3',
    type: 'module',
    exports: { '.': { import: { types: './index.d.ts', default: './index.js' } }, './package.json': './package.json' },
  }),
  'node_modules/@langchain/langgraph/index.js': `
    export const emptyCheckpoint = () => ({ v: 4, id: '', channel_values: {} });
    export class BaseCheckpointSaver {
      serde = {
        async dumpsTyped(value) {
          return value instanceof Uint8Array ? ['bytes', value] : ['json', new TextEncoder().encode(JSON.stringify(value))];
        },
        async loadsTyped(type, data) {
          return type === 'bytes' ? data : JSON.parse(typeof data === 'string' ? data : new TextDecoder().decode(data));
        },
      };
    }
    export class BaseStore {
      async get(namespace, key) { return (await this.batch([{ namespace, key }]))[0]; }
      async put(namespace, key, value, index) { await this.batch([{ namespace, key, value, index }]); }
      async delete(namespace, key) { await this.batch([{ namespace, key, value: null }]); }
      async search(namespacePrefix, { filter, limit = 10, offset = 0, query } = {}) {
        return (await this.batch([{ namespacePrefix, filter, limit, offset, query }]))[0];
      }
      async listNamespaces({ prefix, suffix, maxDepth, limit = 100, offset = 0 } = {}) {
        const matchConditions = [];
        if (prefix) matchConditions.push({ matchType: 'prefix', path: prefix });
        if (suffix) matchConditions.push({ matchType: 'suffix', path: suffix });
        return (await this.batch([{ matchConditions: matchConditions.length ? matchConditions : undefined, maxDepth, limit, offset }]))[0];
      }
    }
    let made = 0;
    export const makeGraph = ({ checkpointer }) => ({
      async invoke(input, config) {
        if (!(checkpointer instanceof BaseCheckpointSaver)) throw new Error('another copy of the package');
        const before = await checkpointer.getTuple(config);
        const state = [...(before?.checkpoint.channel_values.state ?? []), input];
        const id = Date.now().toString(16).padStart(12, '0') + String(++made).padStart(4, '0');
        await checkpointer.put(before?.config ?? config, { ...emptyCheckpoint(), id, channel_values: { state } }, { step: made }, {});
        return state;
      },
    });`,
};
