-- The second layer of the cache of answers. KEYS: the tenant's prefix. ARGV: the verb, then what it takes.
-- Every name begins with the tenant's prefix and its generation: clearing is a new generation. An entry has a
-- stamp of its own, by which a process knows whether what it holds is still what is kept. The index over all
-- tenants knows when each entry ends and what it takes, so that the whole never outgrows its bound.

local tenant, verb = KEYS[1], ARGV[1]
local generations, counts = tenant .. ':generation', tenant .. ':counts'
local index, sizes, total = 'orchestrator:cache:ends', 'orchestrator:cache:sizes', 'orchestrator:cache:bytes'
local kept_known = 30 * 24 * 3600
local now = tonumber(redis.call('TIME')[1])

local function generation(fresh)
  redis.call('SET', generations, fresh, 'NX')
  redis.call('EXPIRE', generations, kept_known)
  return redis.call('GET', generations)
end

local function count(field, by)
  redis.call('HSETNX', counts, 'since', now)
  redis.call('HINCRBY', counts, field, by)
  redis.call('EXPIRE', counts, kept_known)
end

local function drop(name)
  local size = redis.call('HGET', sizes, name)
  if size then
    redis.call('DECRBY', total, size)
    redis.call('HDEL', sizes, name)
  end
  redis.call('ZREM', index, name)
  redis.call('DEL', name)
end

local function used()
  return tonumber(redis.call('GET', total) or '0')
end

local function named(hash, fresh)
  return tenant .. ':' .. generation(fresh) .. ':' .. hash
end

if verb == 'look' then -- hash, fresh generation, stamp held in the first layer, whether it is counted
  local name = named(ARGV[2], ARGV[3])
  local found = redis.call('HMGET', name, 'stamp', 'text')
  local layer = not found[1] and 'none' or found[1] == ARGV[4] and 'first' or 'second'
  if ARGV[5] == '1' then count(({none = 'misses', first = 'hits_first', second = 'hits_second'})[layer], 1) end
  if layer ~= 'second' then return {layer, '', '', 0} end
  return {layer, found[1], found[2], math.max(0, redis.call('TTL', name))}
end

if verb == 'keep' then -- hash, fresh generation, stamp, text, seconds, most bytes of all tenants, in place of one
  local name = named(ARGV[2], ARGV[3])
  local size, most = #ARGV[5] + 4 * #name, tonumber(ARGV[7])
  if ARGV[8] == '0' and redis.call('EXISTS', name) == 1 then return {'there'} end
  for _, ended in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, 500)) do drop(ended) end
  drop(name)
  for _ = 1, 1000 do
    if used() + size <= most then break end
    local first = redis.call('ZRANGE', index, 0, 0)[1]
    if not first then break end
    drop(first)
  end
  if used() + size > most then return {'full'} end
  redis.call('HSET', name, 'stamp', ARGV[4], 'text', ARGV[5])
  redis.call('EXPIRE', name, ARGV[6])
  redis.call('ZADD', index, now + tonumber(ARGV[6]), name)
  redis.call('HSET', sizes, name, size)
  redis.call('INCRBY', total, size)
  count('kept', 1)
  return {'kept'}
end

if verb == 'drop' then -- hash, fresh generation
  drop(named(ARGV[2], ARGV[3]))
  return {}
end

if verb == 'count' then -- field, number, and so on
  for at = 2, #ARGV, 2 do count(ARGV[at], ARGV[at + 1]) end
  return {}
end

if verb == 'clear' then -- fresh generation
  redis.call('SET', generations, ARGV[2], 'EX', kept_known)
  return {}
end

return redis.call('HGETALL', counts) -- stats
