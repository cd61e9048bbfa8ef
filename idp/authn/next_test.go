package authn_test

import (
	"testing"

	"propusk/idp"
	"propusk/idp/authn"
)

const now = int64(1_800_000_000)

// situation is a Flow in the making: a request of a portal that wants a name, an account with nothing but a password, nobody signed in.
func situation() authn.Flow {
	return authn.Flow{
		Request: idp.AuthRequest{ID: "r", ClientID: "portal", Scopes: []string{"openid", "snils"}, MaxAge: -1, ExpiresAt: now + 3600},
		Client:  &idp.Client{ID: "portal", Purposes: map[string]string{"snils": "find"}},
		Wants:   []idp.Attribute{idp.AttrSNILS},
		Consent: &idp.Consent{Attributes: []idp.Attribute{idp.AttrSNILS, idp.AttrName}, Purposes: map[string]string{"snils": "find"}, ExpiresAt: now + 1},
		Now:     now,
	}
}

// change is one thing that is different in a case.
type change func(*authn.Flow)

func account(f *authn.Flow) {
	if f.Account == nil {
		f.Account = &idp.Account{OID: 7, Status: idp.Active, Tier: idp.Standard, SecondFactor: idp.NoFactor}
	}
}

// signedIn: the browser has a session of account 7, five minutes old, by password.
func signedIn(f *authn.Flow) {
	account(f)
	f.Session = &idp.Session{OID: 7, ID: "s", Auth: idp.Authentication{Time: now - 300, Methods: []string{"pwd"}, Tier: idp.Standard}}
}

// passwordProved: the right password of account 7 came, no session yet.
func passwordProved(f *authn.Flow) {
	account(f)
	f.Request.OID, f.Request.PasswordAt = 7, now-10
}

// finishedSignIn: this very request made the session.
func finishedSignIn(f *authn.Flow) {
	signedIn(f)
	f.Request.OID, f.Request.PasswordAt, f.Request.SessionID, f.Session.Auth.Time = 7, now-10, "s", now-10
}

func phone(f *authn.Flow)        { account(f); f.Account.Phone, f.Account.PhoneVerifiedAt = "+79123456789", 1 }
func app(f *authn.Flow)          { account(f); f.Account.TOTPSecret = []byte{1} }
func method(m idp.Factor) change { return func(f *authn.Flow) { f.Request.Method = m } }
func factor(m idp.Factor) change {
	return func(f *authn.Flow) { account(f); f.Account.SecondFactor = m }
}
func prompts(p ...string) change { return func(f *authn.Flow) { f.Request.Prompts = p } }
func tier(t idp.Tier) change     { return func(f *authn.Flow) { account(f); f.Account.Tier = t } }
func minimum(t idp.Tier) change  { return func(f *authn.Flow) { f.Request.MinimumTier = t } }
func sms(f *authn.Flow)          { f.Session.Auth.Methods = []string{"pwd", "sms"} }
func essential(f *authn.Flow)    { f.Request.ACREssential = true }
func wants(t idp.Tier, s idp.Strength) change {
	return func(f *authn.Flow) { f.Request.ACRs = append(f.Request.ACRs, idp.ACR{Tier: t, Strength: s}) }
}
func newDevice(f *authn.Flow) {
	account(f)
	f.Account.NewDeviceCode, f.Account.Email, f.Account.EmailVerifiedAt = true, "a@example.ru", 1
}
func TestNextNamesTheStepThatIsDue(t *testing.T) {
	for name, c := range map[string]struct {
		changes []change
		want    authn.Step
	}{
		"who comes without a session signs in":                     {nil, authn.Login},
		"who is signed in and has allowed everything is done":      {[]change{signedIn}, authn.Done},
		"a granted request is finished":                            {[]change{signedIn, func(f *authn.Flow) { f.Request.GrantedAt = now }}, authn.Finished},
		"a refused request is finished":                            {[]change{func(f *authn.Flow) { f.Request.RefusedAt = now }}, authn.Finished},
		"a finished request stays finished when its time is over":  {[]change{func(f *authn.Flow) { f.Request.RefusedAt, f.Now = now, now+9999 }}, authn.Finished},
		"a request is over at its end":                             {[]change{signedIn, func(f *authn.Flow) { f.Now += 3600 }}, authn.Expired},
		"a request is open until its end":                          {[]change{signedIn, func(f *authn.Flow) { f.Consent.ExpiresAt += 9999; f.Now += 3599 }}, authn.Done},
		"without a portal the citizen needs to be signed in alone": {[]change{signedIn, func(f *authn.Flow) { f.Client, f.Consent, f.Wants = nil, nil, nil }}, authn.Done},

		"create asks for a new account":                                {[]change{prompts("create")}, authn.Register},
		"create asks for one even if somebody is signed in":            {[]change{signedIn, prompts("create")}, authn.Register},
		"create is satisfied by the account that was made":             {[]change{finishedSignIn, prompts("create")}, authn.Done},
		"who has an account already leaves create":                     {[]change{prompts("create", idp.PromptOther)}, authn.Login},
		"somebody else is asked who they are":                          {[]change{signedIn, prompts(idp.PromptOther)}, authn.Login},
		"somebody else is asked who they are before a choice":          {[]change{signedIn, prompts("select_account", idp.PromptOther)}, authn.Login},
		"somebody else who signed in is done":                          {[]change{finishedSignIn, prompts("login", idp.PromptOther)}, authn.Done},
		"login asks for the password of the session":                   {[]change{signedIn, prompts("login")}, authn.Reauth},
		"login without a session is a sign-in":                         {[]change{prompts("login")}, authn.Login},
		"login is satisfied by the password of this request":           {[]change{finishedSignIn, prompts("login")}, authn.Done},
		"none leaves a signed-in person done":                          {[]change{signedIn, prompts("none")}, authn.Done},
		"none does not hide that nobody is signed in":                  {[]change{prompts("none")}, authn.Login},
		"none does not hide that consent lacks":                        {[]change{signedIn, prompts("none"), func(f *authn.Flow) { f.Consent = nil }}, authn.Consent},
		"select_account asks who goes on":                              {[]change{signedIn, prompts("select_account")}, authn.ContinueAs},
		"select_account is satisfied by a choice":                      {[]change{signedIn, prompts("select_account"), func(f *authn.Flow) { f.Request.OID, f.Request.ChosenAt = 7, now }}, authn.Done},
		"select_account is satisfied by a sign-in":                     {[]change{finishedSignIn, prompts("select_account")}, authn.Done},
		"login and select_account ask for the choice first":            {[]change{signedIn, prompts("login", "select_account")}, authn.ContinueAs},
		"login and select_account then ask for the password":           {[]change{signedIn, prompts("login", "select_account"), func(f *authn.Flow) { f.Request.OID, f.Request.ChosenAt = 7, now }}, authn.Reauth},
		"signed in as another in another tab asks who goes on":         {[]change{signedIn, func(f *authn.Flow) { f.Request.OID = 8 }}, authn.ContinueAs},
		"a session within max_age counts":                              {[]change{signedIn, func(f *authn.Flow) { f.Request.MaxAge = 300 }}, authn.Done},
		"a session older than max_age asks for the password":           {[]change{signedIn, func(f *authn.Flow) { f.Request.MaxAge = 299 }}, authn.Reauth},
		"max_age of nothing is satisfied by a sign-in of this request": {[]change{finishedSignIn, func(f *authn.Flow) { f.Request.MaxAge = 0 }}, authn.Done},
		"a hint at the person of the session is satisfied":             {[]change{signedIn, func(f *authn.Flow) { f.Request.HintOID = 7 }}, authn.Done},
		"a hint at another person than that of the session":            {[]change{signedIn, func(f *authn.Flow) { f.Request.HintOID = 8 }}, authn.Login},
		"a hint at another person than the one who just signed in":     {[]change{finishedSignIn, func(f *authn.Flow) { f.Request.HintOID = 8 }}, authn.OtherPerson},

		"a password that made no session, though nothing lacks, is asked again":  {[]change{passwordProved}, authn.Login},
		"the account's factor is a code by SMS":                                  {[]change{passwordProved, phone, factor(idp.SMSFactor), method(idp.SMSFactor)}, authn.Code},
		"the account's factor is the app":                                        {[]change{passwordProved, app, factor(idp.TOTPFactor), method(idp.TOTPFactor)}, authn.TOTP},
		"another factor was chosen":                                              {[]change{passwordProved, app, phone, factor(idp.TOTPFactor), method(idp.SMSFactor)}, authn.Code},
		"no factor is chosen yet":                                                {[]change{passwordProved, app, phone, factor(idp.TOTPFactor)}, authn.ChooseMethod},
		"the chosen factor is not set up":                                        {[]change{passwordProved, phone, factor(idp.SMSFactor), method(idp.TOTPFactor)}, authn.ChooseMethod},
		"the portal's acr asks for a factor that is set up":                      {[]change{passwordProved, phone, method(idp.SMSFactor), wants(idp.Standard, idp.TwoFactors)}, authn.Code},
		"the portal's acr cannot be reached by this account":                     {[]change{passwordProved, wants(idp.Standard, idp.TwoFactors)}, authn.Login},
		"a new device proves the e-mail where no factor is on":                   {[]change{passwordProved, newDevice}, authn.EmailCode},
		"a known device does not":                                                {[]change{passwordProved, newDevice, func(f *authn.Flow) { f.Known = true }}, authn.Login},
		"a new device with the e-mail proved does not again":                     {[]change{passwordProved, newDevice, func(f *authn.Flow) { f.Request.EmailAt = now }}, authn.Login},
		"a new device of an account without an e-mail does not":                  {[]change{passwordProved, newDevice, func(f *authn.Flow) { f.Account.EmailVerifiedAt = 0 }}, authn.Login},
		"a factor that is asked spares the e-mail":                               {[]change{passwordProved, newDevice, phone, method(idp.SMSFactor), wants(idp.Standard, idp.TwoFactors)}, authn.Code},
		"the account of the password was locked":                                 {[]change{passwordProved, func(f *authn.Flow) { f.Account = nil }}, authn.Login},
		"a password that made no session does not borrow that of another person": {[]change{signedIn, passwordProved, func(f *authn.Flow) { f.Session.OID = 8 }}, authn.Login},
		"signed out meanwhile":                                                   {[]change{finishedSignIn, func(f *authn.Flow) { f.Session = nil }}, authn.Login},
		"signed in anew meanwhile":                                               {[]change{finishedSignIn, func(f *authn.Flow) { f.Session.ID = "another" }}, authn.Login},
		"a sign-in under way does not stop at the session there":                 {[]change{signedIn, passwordProved, phone, factor(idp.SMSFactor), method(idp.SMSFactor)}, authn.Code},

		"a demanded tier that the account lacks":               {[]change{signedIn, minimum(idp.Confirmed)}, authn.Raise},
		"a demanded tier that the account has":                 {[]change{signedIn, minimum(idp.Standard)}, authn.Done},
		"a tier that is only asked for does not stop":          {[]change{signedIn, wants(idp.Confirmed, idp.OneFactor)}, authn.Done},
		"an essential tier stops":                              {[]change{signedIn, wants(idp.Confirmed, idp.OneFactor), essential}, authn.Raise},
		"an essential list is satisfied by its second value":   {[]change{signedIn, wants(idp.Confirmed, idp.OneFactor), wants(idp.Standard, idp.OneFactor), essential}, authn.Done},
		"an essential factor that is not set up":               {[]change{signedIn, wants(idp.Simplified, idp.TwoFactors), essential}, authn.Raise},
		"the tier rose since the sign-in":                      {[]change{signedIn, tier(idp.Confirmed), minimum(idp.Confirmed)}, authn.Reauth},
		"the tier rose, and nobody asks for it":                {[]change{signedIn, tier(idp.Confirmed)}, authn.Done},
		"the tier fell since the sign-in":                      {[]change{signedIn, tier(idp.Simplified), minimum(idp.Standard)}, authn.Raise},
		"a way of confirmation that the portal refuses":        {[]change{signedIn, tier(idp.Confirmed), minimum(idp.Confirmed), refuses(idp.ByLetter)}, authn.Raise},
		"a way of confirmation that the portal takes":          {[]change{signedIn, tier(idp.Confirmed), minimum(idp.Confirmed), refuses(idp.ByBank), func(f *authn.Flow) { f.Session.Auth.Tier = idp.Confirmed }}, authn.Done},
		"a way of confirmation of no matter to a lower demand": {[]change{signedIn, tier(idp.Confirmed), minimum(idp.Standard), refuses(idp.ByLetter)}, authn.Done},
		"a step-up begins with the choice of the factor":       {[]change{signedIn, phone, wants(idp.Standard, idp.TwoFactors)}, authn.ChooseMethod},
		"a step-up goes on with the code":                      {[]change{signedIn, phone, wants(idp.Standard, idp.TwoFactors), method(idp.SMSFactor)}, authn.Code},
		"a step-up goes on with the app":                       {[]change{signedIn, app, wants(idp.Standard, idp.TwoFactors), method(idp.TOTPFactor)}, authn.TOTP},
		"a step-up is over when the session has both factors":  {[]change{signedIn, phone, sms, wants(idp.Standard, idp.TwoFactors)}, authn.Done},
		"a factor that resists phishing is not offered yet":    {[]change{signedIn, phone, wants(idp.Standard, idp.PhishingResistant)}, authn.Done},
		"a factor that resists phishing, demanded":             {[]change{signedIn, phone, wants(idp.Standard, idp.PhishingResistant), essential}, authn.Raise},

		"nothing was allowed yet":                            {[]change{signedIn, func(f *authn.Flow) { f.Consent = nil }}, authn.Consent},
		"nothing is wanted, so nothing is asked":             {[]change{signedIn, func(f *authn.Flow) { f.Consent, f.Wants = nil, nil }}, authn.Done},
		"more is wanted than was allowed":                    {[]change{signedIn, func(f *authn.Flow) { f.Wants = append(f.Wants, idp.AttrINN) }}, authn.Consent},
		"less is wanted than was allowed":                    {[]change{signedIn, func(f *authn.Flow) { f.Wants = f.Wants[:1] }}, authn.Done},
		"the purpose has changed":                            {[]change{signedIn, func(f *authn.Flow) { f.Client.Purposes["snils"] = "sell" }}, authn.Consent},
		"the purpose of a scope that is not asked":           {[]change{signedIn, func(f *authn.Flow) { f.Client.Purposes["inn"] = "tax" }}, authn.Done},
		"data while away were not allowed":                   {[]change{signedIn, func(f *authn.Flow) { f.Offline = true }}, authn.Consent},
		"data while away were allowed":                       {[]change{signedIn, func(f *authn.Flow) { f.Offline, f.Consent.Offline = true, true }}, authn.Done},
		"the consent is over":                                {[]change{signedIn, func(f *authn.Flow) { f.Consent.ExpiresAt = now }}, authn.Consent},
		"prompt consent asks although everything is allowed": {[]change{signedIn, prompts("consent")}, authn.Consent},
		"prompt consent is satisfied by the answer":          {[]change{signedIn, prompts("consent"), func(f *authn.Flow) { f.Request.ConsentedAt = now }}, authn.Done},
		"the answer does not cover what came to be wanted":   {[]change{signedIn, func(f *authn.Flow) { f.Request.ConsentedAt = now; f.Wants = []idp.Attribute{idp.AttrINN} }}, authn.Consent},
	} {
		t.Run(name, func(t *testing.T) {
			f := situation()
			for _, change := range c.changes {
				change(&f)
			}
			if got := authn.Next(f); got != c.want {
				t.Errorf("Next = %q, want %q", got, c.want)
			}
		})
	}
}

func refuses(m idp.TierMethod) change {
	return func(f *authn.Flow) {
		f.Client.TierMethods = []idp.TierMethod{idp.ByBank, idp.ByCentre}
		account(f)
		f.Account.TierMethod = m
	}
}
