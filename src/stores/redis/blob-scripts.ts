import { toScript } from './script.ts';

/**
 * All blobs are on one node of a Cluster, so that each script is one whole step. No namespace of
 * values has a slash in its key.
 *
 * {prefix:/blobs}:blob:<store>/<key>   hash   etag, size, type, metadata, modified, bytes
 * {prefix:/blobs}:keys:<store>         zset   every key of the store, in the order of its bytes
 * {prefix:/blobs}:stores               zset   stores that have blobs
 * {prefix:/blobs}:bytes                number of bytes of all blobs
 */
const BLOBS = `
local root = KEYS[1]
local store = ARGV[1]
local keys, stores, total = root .. ':keys:' .. store, root .. ':stores', root .. ':bytes'
local function blob(key) return root .. ':blob:' .. store .. '/' .. key end
local function remove(key)
  redis.call('DECRBY', total, redis.call('HGET', blob(key), 'size') or 0)
  redis.call('DEL', blob(key))
  redis.call('ZREM', keys, key)
  if redis.call('EXISTS', keys) == 0 then redis.call('ZREM', stores, store) end
end
`;

/** ARGV: store, key, fields. Returns their values. */
export const READ_BLOB = toScript(
  'reading',
  `${BLOBS}
return redis.call('HMGET', blob(ARGV[2]), unpack(ARGV, 3))`,
);

/**
 * ARGV: store, key, '' or 'new' or 'match', the ETag to match, limit of all bytes or 0, size, and the
 * other fields with their names. Returns 'done', 'changed' or 'full'.
 */
export const PUT_BLOB = toScript(
  'memory',
  `${BLOBS}
local key, condition, limit, size = ARGV[2], ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
local etag = redis.call('HGET', blob(key), 'etag')
if condition == 'new' and etag then return 'changed' end
if condition == 'match' and etag ~= ARGV[4] then return 'changed' end
local growth = size - (redis.call('HGET', blob(key), 'size') or 0)
if limit > 0 and growth > 0 and (redis.call('GET', total) or 0) + growth > limit then return 'full' end
local clock = redis.call('TIME')
redis.call('HSET', blob(key), 'size', size, 'modified', clock[1] * 1000 + math.floor(clock[2] / 1000), unpack(ARGV, 7))
redis.call('ZADD', keys, 0, key)
redis.call('ZADD', stores, 0, store)
redis.call('INCRBY', total, growth)
return 'done'`,
);

/** ARGV: store, key, the ETag to match or ''. Returns 'deleted', 'missing' or 'changed'. */
export const DELETE_BLOB = toScript(
  'writing',
  `${BLOBS}
local etag = redis.call('HGET', blob(ARGV[2]), 'etag')
if ARGV[3] ~= '' and etag ~= ARGV[3] then return 'changed' end
if not etag then return 'missing' end
remove(ARGV[2])
return 'deleted'`,
);

/**
 * ARGV: store, length of the prefix, bounds in the syntax of ZRANGEBYLEX, number of entries, 1 for
 * directories. Returns key, ETag, size and time of each blob, the directories, and the position of
 * the next page or ''.
 */
export const LIST_BLOBS = toScript(
  'reading',
  `${BLOBS}
local length, from, to, limit = tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5])
local blobs, directories, count = {}, {}, 0
while count < limit do
  local found = redis.call('ZRANGEBYLEX', keys, from, to, 'LIMIT', 0, limit - count)
  if #found == 0 then return { blobs, directories, '' } end
  for _, key in ipairs(found) do
    local slash = ARGV[6] == '1' and string.find(key, '/', length + 1, true)
    count = count + 1
    if slash then
      table.insert(directories, string.sub(key, 1, slash - 1))
      from = '[' .. string.sub(key, 1, slash) .. '\\255'
      break
    end
    local entry = redis.call('HMGET', blob(key), 'etag', 'size', 'modified')
    table.insert(blobs, { key, entry[1], entry[2], entry[3] })
    from = '[' .. key .. '\\0'
  end
end
local more = redis.call('ZRANGEBYLEX', keys, from, to, 'LIMIT', 0, 1)
return { blobs, directories, #more > 0 and string.sub(from, 2) or '' }`,
);

/** ARGV: '', bounds in the syntax of ZRANGEBYLEX, number of names. Returns the names. */
export const LIST_STORES = toScript(
  'reading',
  `${BLOBS}
return redis.call('ZRANGEBYLEX', stores, ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])`,
);

/** ARGV: store, number of blobs. Returns the number of deleted blobs, and 1 if there are more. */
export const DELETE_STORE = toScript(
  'writing',
  `${BLOBS}
local found = redis.call('ZRANGE', keys, 0, ARGV[2] - 1)
for _, key in ipairs(found) do remove(key) end
return { #found, redis.call('EXISTS', keys) }`,
);
