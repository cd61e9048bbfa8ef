// One complete login with npm openid-client. The Go test is the browser: this script writes {"open": URL} to it and reads back
// the address where the browser stopped; it ends with {"done": ...}, or with an error and a non-zero status.
// usage: TEST_NODE_MODULES=DIR node login.mjs '{"issuer": ..., "client_id": ..., ...}'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const oidc = await import(pathToFileURL(join(process.env.TEST_NODE_MODULES, 'openid-client/build/index.js')))
const want = JSON.parse(process.argv[2])
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')

async function open(url) {
  say({ open: url.href })
  return new URL((await answers.next()).value)
}

async function authentication() {
  switch (want.auth) {
    case 'client_secret_basic':
      return oidc.ClientSecretBasic(want.secret)
    case 'client_secret_post':
      return oidc.ClientSecretPost(want.secret)
    case 'private_key_jwt': {
      const key = await crypto.subtle.importKey('jwk', want.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
      return oidc.PrivateKeyJwt({ key, kid: want.key.kid })
    }
    case 'none':
      return oidc.None()
  }
  throw new Error(`unknown auth ${want.auth}`)
}

async function request(config, more) {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  }
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: want.redirect_uri,
    scope: 'openid profile email offline_access',
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  })
  return { url, checks }
}

const header = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url'))

function checkIDToken(tokens) {
  const claims = tokens.claims()
  assert.equal(header(tokens.id_token).alg, want.alg)
  const hash = createHash(want.alg === 'EdDSA' ? 'sha512' : 'sha256').update(tokens.access_token).digest() // Ed25519 hashes with SHA-512
  const half = hash.subarray(0, hash.length / 2).toString('base64url')
  assert.equal(claims.at_hash, half, 'at_hash')
  assert.equal(claims.tier, want.tier)
  assert.equal(claims.tier_method, want.tier_method || undefined)
  assert.equal(claims.acr, want.acr)
  assert.deepEqual(claims.amr, ['pwd'])
  assert.match(claims.sub, /^[0-9]+$/)
  assert.ok(claims.sid)
  return claims
}

async function checkUserInfo(config, tokens, claims) {
  const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.equal(info.email, want.email)
  assert.equal(info.email_verified, true)
  assert.equal([info.family_name, info.given_name, info.middle_name].join(' '), want.name)
  assert.equal(info.tier, want.tier)
}

async function checkIntrospection(config, token, active) {
  if (want.auth === 'none') {
    await assert.rejects(oidc.tokenIntrospection(config, token), 'a public client may not introspect')
    return
  }
  const answer = await oidc.tokenIntrospection(config, token)
  assert.equal(answer.active, active)
  if (active) assert.equal(answer.client_id, want.client_id)
}

async function refresh(config, tokens, claims) {
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(fresh.access_token, tokens.access_token)
  if (fresh.id_token) assert.equal(fresh.claims().sub, claims.sub)
  await checkUserInfo(config, fresh, claims)
  return { ...fresh, refresh_token: fresh.refresh_token ?? tokens.refresh_token }
}

// replay shows a code a second time: it is refused, and what it gave no longer serves (RFC 6749, 4.1.2).
async function replay(config) {
  const { url, checks } = await request(config)
  const callback = await open(url)
  const tokens = await oidc.authorizationCodeGrant(config, callback, checks)
  await assert.rejects(oidc.authorizationCodeGrant(config, callback, checks), { error: 'invalid_grant' })
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' })
}

// revoke ends the grant: neither its refresh token nor its access token serves afterwards.
async function revoke(config, tokens, claims) {
  await oidc.tokenRevocation(config, tokens.refresh_token, { token_type_hint: 'refresh_token' })
  await checkIntrospection(config, tokens.refresh_token, false)
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, claims.sub), { status: 401 })
}

async function logout(config, tokens) {
  const state = oidc.randomState()
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token, post_logout_redirect_uri: want.post_logout_redirect_uri, state,
  })
  const back = await open(url)
  assert.equal(back.origin + back.pathname, want.post_logout_redirect_uri)
  assert.equal(back.searchParams.get('state'), state)
}

async function refusesSilently(config) {
  const { url, checks } = await request(config, { prompt: 'none' })
  await assert.rejects(oidc.authorizationCodeGrant(config, await open(url), checks), { error: 'login_required' })
}

async function run() {
  const config = await oidc.discovery(new URL(want.issuer), want.client_id, { id_token_signed_response_alg: want.alg },
    await authentication(), { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] })
  await refusesSilently(config)
  const { url, checks } = await request(config, { acr_values: want.acr, max_age: '3600' })
  const callback = await open(url)
  const tokens = await oidc.authorizationCodeGrant(config, callback, { ...checks, maxAge: 3600 })
  const claims = checkIDToken(tokens)
  await checkUserInfo(config, tokens, claims)
  await checkIntrospection(config, tokens.access_token, true)
  let fresh = await refresh(config, tokens, claims)
  await logout(config, tokens)
  await refusesSilently(config)
  fresh = await refresh(config, fresh, claims) // offline_access outlives sign-out
  await revoke(config, fresh, claims)
  await replay(config)
  say({ done: claims })
}

await run()
process.exit(0)
