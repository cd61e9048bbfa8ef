addEventListener('pageshow',function(e){if(!e.persisted)document.forms[0].submit()});
